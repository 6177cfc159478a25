"""The folder in which a survey that is a job works, and when it goes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.going import expire_inputs

from haversack.errors import HaversackError
from haversack.jobs.files import Role
from haversack.jobs.intake import wish
from haversack.jobs.job import Fault, Job
from haversack.jobs.job_folder import JobFolder, remove_ended
from haversack.jobs.services import JobLocations, JobServices, open_services
from haversack.jobs.store import Claim, Retention

_FAULT = Fault(code="x", message="y")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[JobServices]:
    made = open_services(JobLocations(state=tmp_path / "state"))
    yield made
    made.store.close()


def put(services: JobServices, *names: str) -> Job:
    upload = services.intake.begin_upload("")
    for name in names:
        services.intake.add_photo(upload.id, name, name.encode())
    return services.intake.submit_upload(wish("herd", kind="survey"), upload.id, None)


def fetched(services: JobServices, place: Path, job: Job) -> JobFolder:
    folder = JobFolder(place, job.id)
    folder.fetch(services.files.files(job.id, Role.PHOTO), services.blobs, threading.Event())
    return folder


def claim(services: JobServices) -> Claim:
    return Claim(kinds=["survey"], packs=["herd"], worker="w")


def test_photos_lie_under_their_names_and_a_second_attempt_fetches_the_rest(
    services: JobServices, tmp_path: Path
) -> None:
    job = put(services, "a.jpg", "north/b.jpg")
    folder = fetched(services, tmp_path / "surveys", job)
    (folder.photos / "a.jpg").unlink()
    before = (folder.photos / "north" / "b.jpg").stat()
    fetched(services, tmp_path / "surveys", job)
    found = {p.relative_to(folder.photos).as_posix(): p.read_text() for p in _files(folder.photos)}
    assert found == {"a.jpg": "a.jpg", "north/b.jpg": "north/b.jpg"}
    after = (folder.photos / "north" / "b.jpg").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_photos_of_which_one_is_anothers_folder_fail_the_job(
    services: JobServices, tmp_path: Path
) -> None:
    job = put(services, "a.jpg", "a.jpg/b.jpg")
    with pytest.raises(HaversackError) as caught:
        fetched(services, tmp_path / "surveys", job)
    assert (caught.value.code, caught.value.kind.value) == ("photo-name-taken", "invalid")


def test_what_nobody_wants_is_not_fetched(services: JobServices, tmp_path: Path) -> None:
    job, unwanted = put(services, "a.jpg"), threading.Event()
    unwanted.set()
    folder = JobFolder(tmp_path / "surveys", job.id)
    with pytest.raises(HaversackError) as caught:
        folder.fetch(services.files.files(job.id, Role.PHOTO), services.blobs, unwanted)
    assert caught.value.code == "job-broken-off"


def test_a_folder_stays_as_long_as_its_job_may_go_on(services: JobServices, tmp_path: Path) -> None:
    place = tmp_path / "surveys"
    jobs = {
        name: put(services, f"{name}.jpg") for name in ("done", "failed", "cancelled", "queued")
    }
    for job in jobs.values():
        fetched(services, place, job)
    (place / "unknown").mkdir()
    done, failed = (services.store.claim(claim(services))[0] for _ in range(2))
    services.store.done(done.lease, "{}", "1")
    services.store.fail(failed.lease, _FAULT)
    services.store.cancel(jobs["cancelled"].id)
    remove_ended(place, services.store)
    left = {path.name for path in place.iterdir()}
    assert left == {jobs["failed"].id, jobs["queued"].id}
    expire_inputs(services.store, Retention(input_seconds=0), 9)
    remove_ended(place, services.store)
    assert {path.name for path in place.iterdir()} == {jobs["queued"].id}
