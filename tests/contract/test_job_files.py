"""What `JobFiles` promises, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.databases import Postgres
from tests.contract.going import expire_inputs, expire_results, remove_files

from haversack.database.opening import open_database
from haversack.errors import HaversackError
from haversack.jobs.files import JobFile, JobFiles, Role
from haversack.jobs.job import Fault, NewJob, ResultCost
from haversack.jobs.sql_store import SqlJobStore
from haversack.jobs.store import Claim, Retention

_MOST = 3
_ID = "a" * 32


class Bench:
    """Files and the store beside them, on a clock that passes when it is told to."""

    def __init__(self, url: str) -> None:
        self.seconds = 1_000_000.0
        database = open_database(url)
        self.store = SqlJobStore(database)
        self.files = JobFiles(database, lambda: self.seconds)

    def add(self, name: str, blob: str = "", upload: str = _ID) -> bool:
        file = JobFile(name=name, blob=blob or f"blob of {name}", size_bytes=10)
        return self.files.add(upload, file, _MOST)

    def make_job(self) -> None:
        upload = self.files.find(_ID)
        new = NewJob(
            id=_ID, kind="survey", pack="herd", input="", photos=upload.photos,
            input_bytes=upload.size_bytes,
        )  # fmt: skip
        self.store.put(new)
        self.files.end(_ID)

    def run_job(self, fault: Fault | None = None) -> None:
        (claimed,) = self.store.claim(Claim(kinds=["survey"], packs=["herd"], worker="w"))
        self.files.keep_result(_ID, JobFile(name="report.html", blob="r", size_bytes=5))
        if fault is None:
            assert self.store.done(claimed.lease, "{}", "1", ResultCost(files_bytes=5))
        else:
            assert self.store.fail(claimed.lease, fault)


@pytest.fixture(params=["sqlite", "postgresql"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    url = str(tmp_path / "jobs.sqlite")
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.new_database()
    made = Bench(url)
    made.files.begin(_ID, "ada")
    yield made
    made.store.close()


def test_an_upload_counts_its_photos_and_their_bytes(bench: Bench) -> None:
    assert bench.add("b.jpg")
    assert bench.add("a/c.jpg")
    upload = bench.files.find(_ID)
    assert (upload.owner, upload.photos, upload.size_bytes, upload.is_taken) == (
        "ada", 2, 20, False,
    )  # fmt: skip
    assert [one.name for one in bench.files.files(_ID, Role.PHOTO)] == ["a/c.jpg", "b.jpg"]


def test_the_same_photo_again_changes_nothing_and_another_of_its_name_is_refused(
    bench: Bench,
) -> None:
    assert bench.add("a.jpg", "x")
    assert not bench.add("a.jpg", "x")
    with pytest.raises(HaversackError) as caught:
        bench.add("a.jpg", "y")
    assert caught.value.code == "photo-name-taken"
    assert bench.files.find(_ID).photos == 1


def test_a_full_upload_says_its_limit(bench: Bench) -> None:
    for number in range(_MOST):
        assert bench.add(f"{number}.jpg")
    assert not bench.add("0.jpg")
    with pytest.raises(HaversackError) as caught:
        bench.add("more.jpg")
    assert caught.value.code == "upload-full"
    assert "3" in caught.value.message


def test_nothing_is_added_to_an_upload_that_is_not_there(bench: Bench) -> None:
    with pytest.raises(HaversackError) as caught:
        bench.add("a.jpg", upload="b" * 32)
    assert caught.value.code == "upload-not-found"


def test_what_a_job_has_taken_changes_no_more(bench: Bench) -> None:
    bench.add("a.jpg")
    new = NewJob(id=_ID, kind="survey", pack="herd", input="", input_bytes=10, photos=1)
    bench.store.put(new)
    with pytest.raises(HaversackError) as caught:
        bench.add("b.jpg")
    assert caught.value.code == "upload-taken"


def test_a_forgotten_upload_goes_with_its_blobs_and_a_job_keeps_them(bench: Bench) -> None:
    bench.add("a.jpg")
    bench.seconds += 50
    assert remove_files(bench.files, 100, 9) == []
    bench.make_job()
    bench.seconds += 1000
    assert remove_files(bench.files, 100, 9) == []
    assert bench.store.has_blob("blob of a.jpg")
    bench.files.begin("c" * 32, "ada")
    bench.add("d.jpg", upload="c" * 32)
    bench.seconds += 100
    assert remove_files(bench.files, 100, 9) == ["blob of d.jpg"]
    assert not bench.store.has_blob("blob of d.jpg")


def test_photos_go_when_the_jobs_input_goes_and_results_when_its_result_goes(bench: Bench) -> None:
    bench.add("a.jpg")
    bench.make_job()
    bench.run_job()
    assert remove_files(bench.files, 100, 9) == []
    assert expire_inputs(bench.store, Retention(input_seconds=0), 9) == [""]
    assert remove_files(bench.files, 100, 9) == ["blob of a.jpg"]
    expire_results(bench.store, Retention(result_seconds=0), 9)
    assert remove_files(bench.files, 100, 9) == ["r"]
    assert bench.files.files(_ID, Role.RESULT) == []


def test_files_of_an_attempt_that_came_to_nothing_go(bench: Bench) -> None:
    bench.add("a.jpg")
    bench.make_job()
    bench.run_job(Fault(code="x", message="y"))
    assert remove_files(bench.files, 100, 9) == ["r"]
    assert bench.files.file(_ID, Role.PHOTO, "a.jpg") is not None


def test_a_later_attempt_puts_its_file_in_the_place_of_the_earlier(bench: Bench) -> None:
    for blob in ("r1", "r2"):
        bench.files.keep_result(_ID, JobFile(name="report.html", blob=blob, size_bytes=5))
    file = bench.files.file(_ID, Role.RESULT, "report.html")
    assert file is not None
    assert file.blob == "r2"


def test_photos_of_jobs_and_of_uploads_count_as_kept(bench: Bench) -> None:
    bench.add("a.jpg")
    assert bench.store.usage().input_bytes == 10
    bench.make_job()
    assert bench.store.usage().input_bytes == 10


def test_files_go_in_portions(bench: Bench) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        bench.add(name)
    bench.files.end(_ID)
    portions = [remove_files(bench.files, 100, 2) for _ in range(3)]
    assert [len(one) for one in portions] == [2, 1, 0]
    assert sorted(blob for one in portions for blob in one) == [f"blob of {n}.jpg" for n in "abc"]
