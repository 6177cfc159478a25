"""A new kind of job is a module and a line, whatever shows, takes or does jobs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from tests.server.running import BLOBS, PHOTO, Server, environment, started
from tests.server.test_jobs import ended

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "haversack"
TABLE = Path("app", "kinds.py")

MODULE = ROOT / "tests" / "integration" / "additions" / "count_kind.py"
LINE = '    KindEntry(kind=COUNT, command=Command(words=("haversack.serve.work.count_kind",))),\n'


def extended(folder: Path) -> Path:
    """A copy of the source with one kind more: one module, and one line with its import."""
    source = folder / "src" / "haversack"
    shutil.copytree(SOURCE, source)
    shutil.copy(MODULE, source / "serve" / "work")
    table = source / TABLE
    text = table.read_text()
    head, line, tail = text.partition("from haversack.serve.work.predict_kind")
    assert line
    text = f"{head}from haversack.serve.work.count_kind import COUNT\n{line}{tail}"
    before, entry, after = text.partition("    KindEntry(kind=PREDICT")
    # Behind the others: which of them is meant by default does not change.
    body, end, rest = f"{entry}{after}".partition("\n)\n")
    assert entry
    assert end
    table.write_text(f"{before}{body}\n{LINE}{end.removeprefix(chr(10))}{rest}")
    return source.parent


def command(source: Path, *words: object) -> str:
    """What a command of the extended source prints."""
    done = subprocess.run(
        [sys.executable, "-m", "haversack", *map(str, words)],
        env=environment(source.parent) | {"PYTHONPATH": str(source)},
        cwd=source.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_kind_is_added_by_a_module_and_a_line(tmp_path: Path) -> None:
    source, home = extended(tmp_path), tmp_path / "home"
    home.mkdir()
    state, photo = home / "state", PHOTO.read_bytes()
    words: list[str | Path] = [
        sys.executable,
        "-m",
        "haversack",
        "serve",
        "--port",
        "0",
        "--state",
        state,
        BLOBS,
    ]
    with started(words, home, PYTHONPATH=str(source)) as (url, process):
        server = Server(url=url, process=process, state=state, stderr=home / "stderr")

        answer = server.post("/jobs/blobs?kind=count&times=2", content=photo)
        job = ended(server, answer.headers["location"])
        assert (job["kind"], job["state"]) == ("count", "done"), job
        assert job["links"]["photo"]
        assert server.get(job["links"]["result"]).json() == {
            "bytes": 2 * len(photo),
            "files": [{"name": "count.txt", "bytes": len(str(2 * len(photo)))}],
        }
        file = server.get(f"{job['links']['self']}/files/count.txt")
        assert file.text == str(2 * len(photo))

        # What is sent without its name is what it was before.
        plain = ended(server, server.post("/jobs/blobs", content=photo).headers["location"])
        assert (plain["kind"], plain["state"]) == ("predict", "done")
        assert [one["id"] for one in server.get("/jobs?kind=count").json()["jobs"]] == [job["id"]]
        _check_refusals(server, photo)
        _check_page(server.get("/openapi.json").json())

        listed = command(source, "jobs", "list", "--kind", "count", "--state", state, "--json")
        assert json.loads(listed)["id"] == job["id"]
        assert "count.txt" in command(source, "jobs", "files", job["id"], "--server", url)


def _check_refusals(server: Server, photo: bytes) -> None:
    def refused(query: str) -> str:
        answer: httpx.Response = server.post(f"/jobs/blobs?{query}", content=photo)
        assert answer.status_code == 400
        return str(answer.json()["error"])

    assert refused("kind=count&times=10").startswith("times is '10'; a whole number")
    assert refused("kind=count&map=true") == "received map; a job of kind count takes times"
    assert refused("times=2") == "received times; a job of kind predict takes threshold, map"
    assert refused("kind=total").endswith("allowed are count, predict, survey")


def _check_page(page: dict[str, Any]) -> None:
    submit = {
        one["name"]: one["schema"] for one in page["paths"]["/jobs/{name}"]["post"]["parameters"]
    }
    assert submit["kind"] == {"enum": ["count", "predict", "survey"]}
    assert submit["times"] == {"type": "integer"}
    assert {"type": "object"} in page["components"]["schemas"]["JobResult"]["anyOf"]
    assert page["paths"]["/jobs/{name}/result"]["get"]["summary"].endswith("a number of bytes.")
