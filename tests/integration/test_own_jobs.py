"""The routes of jobs in a command's own process: as a server's, without a server or its weight."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from haversack.app.kinds import KINDS
from haversack.cli.jobs_asking import JobsDoor, SentFile
from haversack.cli.jobs_own import OwnAnswerer
from haversack.errors import HaversackError
from haversack.jobs.intake import IntakeLimits
from haversack.jobs.job import ResultCost
from haversack.jobs.result_files import keep_files
from haversack.jobs.services import JobLocations, JobServices, open_services
from haversack.jobs.store import Claim

ROOT = Path(__file__).parents[2]
HEAVY = ("numpy", "onnxruntime", "PIL", "uvicorn", "haversack.serve.plane")


@pytest.fixture
def services(tmp_path: Path) -> JobServices:
    limits = IntakeLimits(suffixes=frozenset({".jpg"}), upload_photos=2)
    return open_services(JobLocations(state=tmp_path / "state"), limits, kinds=KINDS)


@pytest.fixture
def door(services: JobServices) -> Iterator[JobsDoor]:
    answerer = OwnAnswerer(services)
    yield JobsDoor(answerer)
    answerer.close()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / 'ü "1".jpg'
    path.write_bytes(b"a photo")
    return path


def test_a_photo_becomes_a_job_for_a_pack_that_nobody_here_knows(
    door: JobsDoor, services: JobServices, photo: Path
) -> None:
    job = door.submit("herd@3", photo, {"threshold": 0.5, "map": "true", "priority": 7})
    assert (job["kind"], job["pack"], job["version"]) == ("predict", "herd", "3")
    assert (job["image"], job["state"], job["position"]) == (str(photo), "queued", 1)
    kept = services.store.find(job["id"])
    assert (kept.options, kept.priority, kept.owner) == ('{"threshold": 0.5, "map": true}', 7, "")
    with services.blobs.opened(kept.input) as data:
        assert bytes(data[:]) == b"a photo"
    assert door.show(job["id"]) == job
    assert door.cancel(job["id"])["state"] == "cancelled"


def test_photos_of_an_upload_become_one_job_an_empty_one_too(
    door: JobsDoor, photo: Path, tmp_path: Path
) -> None:
    # A survey says of an empty file that it failed; only a server refuses it before.
    empty = tmp_path / "empty.jpg"
    empty.touch()
    upload = door.begin_upload()
    door.upload(upload, "a/b c.jpg", SentFile(photo))
    door.upload(upload, "empty.jpg", SentFile(empty))
    assert door.uploaded(upload) == {"a/b c.jpg", "empty.jpg"}
    job = door.submit_upload("herd", {"upload": upload, "name": "ä", "tile": 512})
    assert (job["id"], job["kind"], job["photos"], job["image"]) == (upload, "survey", 2, "ä")
    found = door.listed({"kind": "survey", "state": None, "limit": 9})
    assert [one["id"] for one in found] == [upload]


def test_a_file_of_a_result_is_made_as_it_is_read(
    services: JobServices, door: JobsDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = door.begin_upload()
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"a photo")
    door.upload(upload, "a.jpg", SentFile(photo))
    job = door.submit_upload("herd", {"upload": upload})["id"]
    whole = tmp_path / "whole.bin"
    whole.write_bytes(bytes(range(256)) * (40 << 12))
    (claimed,) = services.store.claim(Claim(kinds=["survey"], packs=["herd"], worker="w"))
    (kept,) = keep_files([whole], job, services.blobs, services.files)
    cost = ResultCost(files_bytes=kept.size_bytes)
    assert services.store.done(claimed.lease, json.dumps({"files": []}), "1", cost)

    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")  # nothing of it goes there
    tracemalloc.start()
    pieces, count = door.pieces(job, "whole.bin"), 0
    for piece in pieces:
        count += len(piece)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == whole.stat().st_size == 40 << 20
    assert most < 16 << 20
    part = door.pieces(job, "whole.bin")
    assert next(part)[:256] == bytes(range(256))
    del part  # who reads no further can ask on
    assert door.show(job)["state"] == "done"


def test_errors_are_the_routes_own(door: JobsDoor, photo: Path) -> None:
    job, upload = door.submit("herd", photo, {})["id"], door.begin_upload()
    asked: dict[str, Callable[[], object]] = {
        "job-not-found": lambda: door.show("nobody"),
        "job-not-done": lambda: door.result(job),
        "job-not-retryable": lambda: door.retry(job),
        "upload-not-found": lambda: door.uploaded("nobody"),
        "upload-empty": lambda: door.submit_upload("herd", {"upload": upload}),
        "photo-name-invalid": lambda: door.upload(upload, "notes.txt", SentFile(photo)),
        "query-invalid": lambda: door.listed({"kind": "nothing"}),
    }
    for code, ask in asked.items():
        with pytest.raises(HaversackError) as caught:
            ask()
        assert caught.value.code == code


def test_a_large_photo_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    photo, most = tmp_path / "large.jpg", 72 << 20
    with photo.open("wb") as file:
        file.truncate(most)
    code = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_DATA, ({most}, {most}))\n"
        "from haversack.cli import main\n"
        f"sys.argv = ['haversack', 'jobs', 'submit', 'herd', {str(photo)!r}, '--json',\n"
        f"            '--state', {str(tmp_path / 'state')!r}]\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "queued"


def test_what_commands_about_jobs_load_is_light(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['haversack', 'jobs', 'list', '--state', {str(tmp_path)!r}]\n"
        "from haversack.cli import main\n"
        "try:\n    main()\nfinally:\n"
        f"    print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["There are no such jobs.", "[]"]
