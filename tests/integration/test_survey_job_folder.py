"""The folder in which a survey that is a job works, and when it goes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.going import expire_inputs

from haversack.errors import HaversackError
from haversack.jobs.desk import wish
from haversack.jobs.files import Role
from haversack.jobs.job import Fault, Job
from haversack.jobs.setting import JobPlaces, JobRoom, open_room
from haversack.jobs.store import Claim, Keep
from haversack.survey.job_folder import JobFolder, remove_ended

_FAULT = Fault(code="x", message="y")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[JobRoom]:
    made = open_room(JobPlaces(state=tmp_path / "state"))
    yield made
    made.store.close()


def put(room: JobRoom, *names: str) -> Job:
    upload = room.desk.begin_upload("")
    for name in names:
        room.desk.add_photo(upload.id, name, name.encode())
    return room.desk.submit_upload(wish("herd", kind="survey"), upload.id, None)


def fetched(room: JobRoom, place: Path, job: Job) -> JobFolder:
    folder = JobFolder(place, job.id)
    folder.fetch(room.files.files(job.id, Role.PHOTO), room.blobs, threading.Event())
    return folder


def claim(room: JobRoom) -> Claim:
    return Claim(kinds=["survey"], packs=["herd"], worker="w")


def test_photos_lie_under_their_names_and_a_second_attempt_fetches_the_rest(
    room: JobRoom, tmp_path: Path
) -> None:
    job = put(room, "a.jpg", "north/b.jpg")
    folder = fetched(room, tmp_path / "surveys", job)
    (folder.photos / "a.jpg").unlink()
    before = (folder.photos / "north" / "b.jpg").stat()
    fetched(room, tmp_path / "surveys", job)
    found = {p.relative_to(folder.photos).as_posix(): p.read_text() for p in _files(folder.photos)}
    assert found == {"a.jpg": "a.jpg", "north/b.jpg": "north/b.jpg"}
    after = (folder.photos / "north" / "b.jpg").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_photos_of_which_one_is_anothers_folder_fail_the_job(room: JobRoom, tmp_path: Path) -> None:
    job = put(room, "a.jpg", "a.jpg/b.jpg")
    with pytest.raises(HaversackError) as caught:
        fetched(room, tmp_path / "surveys", job)
    assert (caught.value.code, caught.value.kind.value) == ("photo-name-taken", "invalid")


def test_what_nobody_wants_is_not_fetched(room: JobRoom, tmp_path: Path) -> None:
    job, unwanted = put(room, "a.jpg"), threading.Event()
    unwanted.set()
    folder = JobFolder(tmp_path / "surveys", job.id)
    with pytest.raises(HaversackError) as caught:
        folder.fetch(room.files.files(job.id, Role.PHOTO), room.blobs, unwanted)
    assert caught.value.code == "job-broken-off"


def test_a_folder_stays_as_long_as_its_job_may_go_on(room: JobRoom, tmp_path: Path) -> None:
    place = tmp_path / "surveys"
    jobs = {name: put(room, f"{name}.jpg") for name in ("done", "failed", "cancelled", "queued")}
    for job in jobs.values():
        fetched(room, place, job)
    (place / "unknown").mkdir()
    done, failed = (room.store.claim(claim(room))[0] for _ in range(2))
    room.store.done(done.lease, "{}", "1")
    room.store.fail(failed.lease, _FAULT)
    room.store.cancel(jobs["cancelled"].id)
    remove_ended(place, room.store)
    left = {path.name for path in place.iterdir()}
    assert left == {jobs["failed"].id, jobs["queued"].id}
    expire_inputs(room.store, Keep(input_seconds=0), 9)
    remove_ended(place, room.store)
    assert {path.name for path in place.iterdir()} == {jobs["queued"].id}
