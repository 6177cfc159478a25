"""Jobs over HTTP and by the command line, with a real server and real kills."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.quick_blobs import QUICK_BLOBS
from tests.server.running import COMMAND, PHOTO, Server, environment, serving
from tests.shell import haversack

PHOTO_BYTES = PHOTO.read_bytes()
KEYS = {"ada": "a" * 20, "bob": "b" * 20, "eve": "e" * 20, "root": "r" * 20}


@pytest.fixture(scope="module")
def jobs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("jobs"), QUICK_BLOBS) as running:
        yield running


def eventually(look: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
    return found


def ended(server: Server, address: str, **options: Any) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        job: dict[str, Any] = server.get(address, **options).json()
        return job if job["state"] not in ("queued", "running") else None

    found: dict[str, Any] = eventually(look)
    return found


def submit(server: Server, path: str = "/jobs/blobs", **options: Any) -> str:
    """The address of a new job."""
    answer = server.post(path, **{"content": PHOTO_BYTES, **options})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == answer.json()["links"]["self"]
    return answer.headers["location"]


def test_a_job_gives_the_record_that_predict_gives(jobs_server: Server) -> None:
    address = submit(jobs_server, files={"image": ("sheep.png", PHOTO_BYTES)}, content=None)
    job = ended(jobs_server, address)
    assert (job["state"], job["pack"], job["version"]) == ("done", "blobs", "1")
    assert (job["kind"], job["image"], job["attempts"]) == ("predict", "sheep.png", 1)
    result = jobs_server.get(job["links"]["result"]).json()
    direct = jobs_server.post("/predict/blobs", files={"image": ("sheep.png", PHOTO_BYTES)}).json()
    assert {**result, "timing": 0} == {**direct, "timing": 0}


def test_the_threshold_goes_with_the_job(jobs_server: Server) -> None:
    address = submit(jobs_server, "/jobs/blobs?threshold=0.99")
    ended(jobs_server, address)
    assert jobs_server.get(f"{address}/result").json()["detections"] == []


def test_who_prefers_to_wait_for_it_gets_a_job_from_predict(jobs_server: Server) -> None:
    answer = jobs_server.post(
        "/predict/blobs", content=PHOTO_BYTES, headers={"Prefer": "wait=1, respond-async"}
    )
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async"
    assert ended(jobs_server, answer.headers["location"])["state"] == "done"


def test_a_version_in_the_path_is_the_jobs(jobs_server: Server) -> None:
    assert ended(jobs_server, submit(jobs_server, "/jobs/blobs/versions/1"))["version"] == "1"
    answer = jobs_server.post("/jobs/blobs/versions/9", content=PHOTO_BYTES)
    assert (answer.status_code, answer.json()["code"]) == (404, "pack-not-loaded")


def test_the_inputs_fault_is_told_and_can_be_retried(jobs_server: Server) -> None:
    address = submit(jobs_server, content=PHOTO_BYTES[:200])
    job = ended(jobs_server, address)
    assert job["state"] == "failed"
    assert job["error"]["code"].startswith("image-")
    assert jobs_server.get(f"{address}/result").status_code == 409
    again = jobs_server.post(f"{address}/retry")
    assert again.status_code == 202
    job = ended(jobs_server, address)
    assert (job["state"], job["attempts"]) == ("failed", 2)


def test_the_same_key_gives_the_same_job(jobs_server: Server) -> None:
    key = {"Idempotency-Key": "once"}
    first = submit(jobs_server, headers=key)
    assert submit(jobs_server, headers=key) == first
    other = jobs_server.post("/jobs/blobs", content=b"another photo", headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-key-reused")
    invalid = jobs_server.post("/jobs/blobs", content=b"x", headers={"Idempotency-Key": "x" * 256})
    assert invalid.status_code == 400


def test_an_unchanged_job_is_not_sent_again(jobs_server: Server) -> None:
    address = submit(jobs_server)
    ended(jobs_server, address)
    first = jobs_server.get(address)
    again = jobs_server.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = jobs_server.get(address, headers={"If-None-Match": '"else"'})
    assert other.json() == first.json()


def test_lists_go_by_pages_and_filters(jobs_server: Server) -> None:
    put = [submit(jobs_server) for _ in range(5)]
    for address in put:
        ended(jobs_server, address)
    page = jobs_server.get("/jobs?limit=3&state=done&pack=blobs").json()
    rest = jobs_server.get(f"/jobs?limit=2&after={page['next']}").json()
    assert [job["links"]["self"] for job in page["jobs"] + rest["jobs"]] == put[::-1]
    assert jobs_server.get("/jobs?pack=nobody").json() == {"jobs": [], "next": None}
    for query in ("state=lost", "limit=0", "limit=x", "limit=201"):
        assert jobs_server.get(f"/jobs?{query}").json()["code"] == "query-invalid"


def test_what_is_not_there_is_404_and_what_makes_no_sense_is_400(jobs_server: Server) -> None:
    for ask in (jobs_server.get, jobs_server.delete):
        assert ask("/jobs/nobody").json()["code"] == "job-not-found"
    assert jobs_server.post("/jobs/nobody/retry").status_code == 404
    assert jobs_server.post("/jobs/nobody", content=PHOTO_BYTES).json()["code"] == "pack-not-loaded"
    assert jobs_server.post("/jobs/blobs").json()["code"] == "image-empty"
    assert jobs_server.post("/jobs/blobs?wait=-1", content=b"x").json()["code"] == "query-invalid"
    assert jobs_server.delete(submit_and_end(jobs_server)).json()["code"] == "job-finished"


def submit_and_end(server: Server) -> str:
    address = submit(server)
    ended(server, address)
    return address


def read_events(server: Server, address: str, last: str = "") -> list[dict[str, str]]:
    headers = {"Last-Event-ID": last} if last else {}
    events = []
    with httpx.stream(
        "GET", f"{server.url}{address}/events", headers=headers, timeout=30, verify=False
    ) as got:
        text = got.read().decode()
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in fields:
            events.append(fields)
    return events


def test_events_tell_every_change_and_go_on_after_the_last_one_seen(jobs_server: Server) -> None:
    address = submit(jobs_server)
    events = read_events(jobs_server, address)
    ids = [int(event["id"]) for event in events]
    assert ids == sorted(set(ids))
    assert json.loads(events[-1]["data"]) == jobs_server.get(address).json()
    assert json.loads(events[-1]["data"])["state"] == "done"
    assert [e["id"] for e in read_events(jobs_server, address, last="1")] == [events[-1]["id"]]
    nothing = jobs_server.get(f"{address}/events", headers={"Last-Event-ID": events[-1]["id"]})
    assert nothing.status_code == 204


def test_a_streams_reader_does_not_keep_the_server_from_ending(tmp_path: Path) -> None:
    with serving(tmp_path, QUICK_BLOBS) as server:
        address = waiting_job(server)
        began = threading.Event()
        seen: list[str] = []

        def read() -> None:
            with httpx.stream(
                "GET", f"{server.url}{address}/events", timeout=30, verify=False
            ) as got:
                for line in got.iter_lines():
                    seen.append(line)
                    began.set()

        reader = threading.Thread(target=read)
        reader.start()
        assert began.wait(10)
        ending = time.monotonic()
        server.process.terminate()
        server.process.wait(20)
        reader.join(10)
        assert time.monotonic() - ending < 10


def waiting_job(server: Server) -> str:
    """A job that nobody here can do: it was put straight into the database."""
    words = ("jobs", "submit", "elsewhere", PHOTO, "--state", server.state, "--json")
    job_id: str = json.loads(command(server.state, *words))["id"]
    return f"/jobs/{job_id}"


def command(folder: Path, *words: str | Path, code: int = 0) -> str:
    ran = haversack(*words, cwd=folder, variables={"COLUMNS": "200"})
    assert ran.status == code, ran.err
    return ran.out


def test_a_waiting_job_says_when_to_look_again_and_can_be_cancelled(jobs_server: Server) -> None:
    submit_and_end(jobs_server)
    address = waiting_job(jobs_server)
    answer = jobs_server.get(address)
    assert (answer.json()["state"], answer.json()["position"]) == ("queued", 1)
    assert int(answer.headers["retry-after"]) >= 1
    assert jobs_server.delete(address).json()["state"] == "cancelled"
    assert jobs_server.get(address).json()["state"] == "cancelled"


@pytest.mark.slow
def test_a_killed_server_shows_the_result_at_the_same_address_when_it_is_back(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, QUICK_BLOBS) as first:
        done = submit_and_end(first)
        before = first.get(f"{done}/result").json()
        addresses = [submit(first) for _ in range(12)]
        first.process.kill()
        first.process.wait(10)
    with serving(tmp_path, QUICK_BLOBS, "--state", first.state) as again:
        assert again.get(f"{done}/result").json() == before
        for address in addresses:
            assert ended(again, address)["state"] == "done"


def test_a_worker_process_does_a_servers_jobs(tmp_path: Path) -> None:
    # The server holds another version's name only, so that the worker is who does it.
    with serving(tmp_path, QUICK_BLOBS) as server:
        pinned = command(
            tmp_path, "jobs", "submit", "blobs@2", PHOTO, "--state", server.state, "--json"
        )
        address = "/jobs/" + json.loads(pinned)["id"]
        assert server.get(address).json()["state"] == "queued"
        copy = second_version(tmp_path)
        with working(tmp_path, copy, "--state", server.state) as worker:
            job = ended(server, address)
            assert (job["state"], job["version"]) == ("done", "2")
            assert worker.poll() is None


def second_version(folder: Path) -> Path:
    """The pack `blobs` as its version 2."""
    target = folder / "repository" / "blobs" / "2"
    shutil.copytree(QUICK_BLOBS, target)
    manifest = target / "pack.toml"
    manifest.write_text(manifest.read_text().replace('version = "1"', 'version = "2"', 1))
    return target


class working:  # noqa: N801  # reads as `with working(...)`
    """`haversack worker` for the length of a block; it must end by itself."""

    def __init__(self, folder: Path, *words: str | Path) -> None:
        self._process = subprocess.Popen(
            [str(word) for word in (COMMAND, "worker", *words)],
            cwd=folder,
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> subprocess.Popen[str]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("Haversack works on the jobs of "), self._process.stderr
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            said = self._process.communicate(timeout=20)[1]
            assert self._process.returncode == 0, said
        finally:
            self._process.kill()


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("keyed")
    keys = folder / "keys"
    scopes = {"ada": ":jobs", "bob": ":jobs,infer", "eve": "", "root": ":jobs,admin"}
    keys.write_text("".join(f"{n}:{KEYS[n]}{scopes[n]}\n" for n in KEYS))
    keys.chmod(0o600)
    with serving(folder, QUICK_BLOBS, "--keys", keys) as running:
        yield running


def by(name: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {KEYS[name]}"}}


def test_a_key_without_the_scope_makes_no_jobs(keyed: Server) -> None:
    assert keyed.post("/jobs/blobs", content=PHOTO_BYTES).status_code == 401
    assert keyed.post("/jobs/blobs", content=PHOTO_BYTES, **by("eve")).status_code == 403
    later = {"Prefer": "respond-async", "Authorization": f"Bearer {KEYS['eve']}"}
    answer = keyed.post("/predict/blobs", content=PHOTO_BYTES, headers=later)
    assert answer.json()["code"] == "scope-missing"
    assert keyed.get("/jobs", **by("eve")).status_code == 403


def test_someone_sees_only_their_own_jobs_and_admin_sees_all(keyed: Server) -> None:
    address = submit(keyed, **by("ada"))
    ended(keyed, address, **by("ada"))
    for path in ("", "/events", "/result"):
        assert keyed.get(address + path, **by("bob")).json()["code"] == "job-not-found"
    assert keyed.delete(address, **by("bob")).status_code == 404
    assert keyed.get("/jobs", **by("bob")).json()["jobs"] == []
    assert keyed.get(address, **by("root")).status_code == 200
    assert len(keyed.get("/jobs", **by("root")).json()["jobs"]) == 1


def test_the_command_line_does_the_same_by_both_doors(jobs_server: Server, tmp_path: Path) -> None:
    photo = tmp_path / "ü 1.png"
    photo.write_bytes(PHOTO_BYTES)
    doors: list[tuple[str | Path, ...]]
    doors = [("--server", jobs_server.url), ("--state", jobs_server.state)]
    for door in doors:
        put = command(tmp_path, "jobs", "submit", "blobs", photo, "--json", *door)
        job_id = json.loads(put)["id"]
        record = json.loads(command(tmp_path, "jobs", "wait", job_id, *door))
        assert record["detections"]
        assert record["image"] == str(photo)
        shown = json.loads(command(tmp_path, "jobs", "show", job_id, "--json", *door))
        assert shown["state"] == "done"
        result = command(tmp_path, "jobs", "show", job_id, "--result", *door)
        assert json.loads(result) == record
        assert job_id in command(tmp_path, "jobs", "list", *door)
        command(tmp_path, "jobs", "cancel", job_id, *door, code=2)
        command(tmp_path, "jobs", "retry", job_id, *door, code=2)
    gone = command(tmp_path, "jobs", "list", "--server", "http://127.0.0.1:9", code=1)
    assert gone == ""


def test_waiting_for_a_failed_job_fails(jobs_server: Server, tmp_path: Path) -> None:
    address = submit(jobs_server, content=PHOTO_BYTES[:200])
    words = ("--server", jobs_server.url, "--timeout", "60")
    command(tmp_path, "jobs", "wait", address.removeprefix("/jobs/"), *words, code=1)
