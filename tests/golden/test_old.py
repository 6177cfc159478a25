"""A run, a pack and a server's state of an old commit open, and work goes on with them."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.golden.bench import Shell
from tests.golden.making_old import OLD, PASSWORD, TILES, restored, set_times
from tests.integration.survey_material import photos, rows
from tests.server.running import PHOTO, Server, serving
from tests.server.test_jobs import eventually

KEPT = ("--keep-results", "3650d", "--keep-photos", "3650d", "--keep-jobs", "3650d")
"""Its jobs ended on the day it was made."""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    folder = tmp_path_factory.mktemp("old")
    shutil.copytree(OLD / "photos", folder / "old-photos")
    set_times(folder / "old-photos")
    return Shell(folder)


@pytest.fixture
def run(shell: Shell) -> Iterator[Path]:
    """The run: two photos are whole, one is partial, one failed and one waits."""
    run = shell.folder / "old-run"
    run.mkdir()
    for name in ("run.toml", "retry.txt"):
        text = (OLD / "run" / name).read_text().replace("{FOLDER}", str(shell.folder))
        (run / name).write_text(text)
    restored((OLD / "run" / "run.sql").read_text("utf-8"), run / "run.sqlite")
    yield run
    shutil.rmtree(run)


def go_on(shell: Shell, out: str) -> dict[str, object]:
    """The summary of the command that made the run."""
    words = ("old-photos", "--pack", OLD / "few.pack", "--out", out, *TILES, "--json")
    ran = shell.run("survey", "run", *words)
    assert ran.status == 3, ran.err
    summary: dict[str, object] = json.loads(ran.out)
    return summary


def test_an_old_run_goes_on_and_ends_as_a_new_one(shell: Shell, run: Path) -> None:
    told = json.loads(shell.done("survey", "status", run, "--json"))
    assert told["photos"] == {"done": 2, "partial": 1, "failed": 1, "queued": 1}
    assert go_on(shell, "old-run")["photos"] == {"done": 3, "partial": 1, "failed": 1}
    go_on(shell, "new-run")
    new = shell.folder / "new-run"
    assert rows(run) == rows(new)
    assert rows(run, "found") == rows(new, "found")
    columns = "path, status, error_code, width, height, tiles, tiles_truncated, valid_rows"
    assert photos(run, columns) == photos(new, columns)
    assert dict(photos(run, "path, attempts")) == {
        "east/0.png": 1, "east/1.png": 1, "west/crowded.png": 1, "west/none.jpg": 2,
        "west/short.jpg": 1,
    }  # fmt: skip


def test_an_old_run_is_exported_merged_and_reported(shell: Shell, run: Path) -> None:
    shell.done("survey", "export", run, "--format", "jsonl", "--format", "coco")
    lines = (run / "exports" / "results.jsonl").read_text().splitlines()
    assert sum(len(json.loads(line).get("detections", ())) for line in lines) == len(
        rows(run, "found")
    )
    before = len(rows(run, "found"))
    shell.done("survey", "merge", run, "--rule", "nms", "--threshold", "0.9")
    assert 0 < len(rows(run, "found")) < before
    shell.done("survey", "report", run)
    assert "not finished" in (run / "report.html").read_text("utf-8")


def test_an_old_pack_is_verified_and_predicts(shell: Shell) -> None:
    pack = OLD / "few.pack"
    shell.done("pack", "verify", pack)
    record = json.loads(
        shell.done("predict", pack, "old-photos/west/crowded.png", "--json", "--threads", "1")
    )
    assert (record["pack"], record["version"], record["task"]) == ("few", "1", "detect")
    assert (len(record["detections"]), record["truncated"], record["candidates"]) == (12, True, 64)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """On the state that an old server left."""
    folder = tmp_path_factory.mktemp("old-state")
    state = folder / "state"
    shutil.copytree(OLD / "state" / "blobs", state / "blobs")
    restored((OLD / "state" / "jobs.sql").read_text("utf-8"), state / "jobs.sqlite")
    with zipfile.ZipFile(OLD / "few.pack") as archive:
        archive.extractall(state / "packs" / "few" / "1")
    with serving(folder, "--state", state, *KEPT) as running:
        yield running


@pytest.fixture(scope="module")
def root(server: Server) -> Iterator[httpx.Client]:
    """Signed in with a password that was set then; the pack that was sent then is loaded."""
    with httpx.Client(base_url=server.url, timeout=60, verify=False) as client:
        answer = client.post("/session", json={"user": "root", "password": PASSWORD})
        assert answer.status_code == 204, answer.text
        client.headers["X-CSRF-Token"] = client.get("/session").json()["csrf_token"]
        client.post("/v2/repository/models/few/load", json={}).raise_for_status()
        yield client


def test_old_jobs_are_listed_with_their_outputs_and_the_one_that_waited_is_done(
    root: httpx.Client,
) -> None:
    def all_ended() -> list[dict[str, object]]:
        listed: list[dict[str, object]] = root.get("/jobs").json()["jobs"]
        return [] if any(job["state"] in ("queued", "running") for job in listed) else listed

    jobs = eventually(all_ended)
    assert [(job["kind"], job["state"]) for job in jobs] == [
        ("predict", "done"), ("survey", "done"), ("predict", "failed"), ("predict", "done"),
    ]  # fmt: skip
    records = [root.get(jobs[place]["links"]["result"]).json() for place in (0, 3)]
    assert records[0]["detections"] == records[1]["detections"]
    address = jobs[1]["links"]["self"]
    summary = root.get(f"{address}/result").json()
    assert summary["photos"] == {"done": 2}
    lines = root.get(f"{address}/files/results.jsonl").text.splitlines()
    found = [len(json.loads(line)["detections"]) for line in lines]
    assert sum(found) == sum(summary["objects"].values()) > 0
    photo = root.get(f"{address}/photo", params={"name": "east/1.png"})
    assert photo.content == PHOTO.read_bytes()


@pytest.mark.usefixtures("root")
def test_a_key_of_an_old_database_opens_the_pack_that_was_sent_then(server: Server) -> None:
    key = {"Authorization": f"Bearer {(OLD / 'key.txt').read_text().strip()}"}
    crowded = (OLD / "photos" / "west" / "crowded.png").read_bytes()
    record = server.post("/predict/few", content=crowded, headers=key).json()
    assert len(record["detections"]) == 12
    assert server.post("/predict/few", content=crowded).status_code == 401
