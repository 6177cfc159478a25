"""A worker with its two threads, on both databases: what it does with every way a job can go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contract.databases import Postgres, running_postgres

from haversack.database.connection import open_database
from haversack.errors import HaversackError, Kind
from haversack.jobs.blobs import FolderBlobs
from haversack.jobs.desk import Desk, DeskLimits, DeskPlaces, wish
from haversack.jobs.handler import Attempt, Outcome
from haversack.jobs.job import Job, Lease, Progress, State
from haversack.jobs.keeper import Rhythm
from haversack.jobs.setting import JobPlaces, JobRoom, open_room
from haversack.jobs.sql_store import Outside, SqlJobStore
from haversack.jobs.store import Claim, Keep
from haversack.jobs.worker import Worker, WorkerOptions

QUICK = WorkerOptions(
    name="tested",
    rhythm=Rhythm(lease_seconds=1.5, beat_seconds=0.1, sweep_seconds=0.1, tidy_seconds=0.2),
    idle_seconds=0.1,
    away_seconds=0.1,
    drain_seconds=0.3,
    delay_seconds=dict.fromkeys(Kind, 0.05),
)
Work = Callable[[Attempt], Outcome]


def places_of(room: JobRoom) -> DeskPlaces:
    return DeskPlaces(store=room.store, blobs=room.blobs, files=room.files, webhooks=room.webhooks)


class Hand:
    """A handler that does what a test says."""

    kind = "predict"

    def __init__(self, work: Work) -> None:
        self._work = work
        self.runs: list[str] = []

    def packs(self) -> Sequence[str]:
        return ["herd"]

    def run(self, attempt: Attempt) -> Outcome:
        self.runs.append(attempt.job.id)
        return self._work(attempt)

    def tidy(self) -> None:
        """Nothing is left."""


def echo(attempt: Attempt) -> Outcome:
    with attempt.opened_input() as data:
        return Outcome(result=f'"{bytes(data[:]).decode()}"', version="1")


def until_unwanted(attempt: Attempt) -> Outcome:
    assert attempt.unwanted.wait(20)
    return Outcome(result='"late"', version="1")


def raises(error: BaseException) -> Work:
    def work(attempt: Attempt) -> Outcome:
        raise error

    return work


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> JobPlaces:
    if request.param == "sqlite":
        return JobPlaces(state=tmp_path)
    postgres: Postgres = request.getfixturevalue("postgres")
    return JobPlaces(state=tmp_path, database=postgres.new_database())


@pytest.fixture
def room(places: JobPlaces) -> Iterator[JobRoom]:
    opened = open_room(places)
    yield opened
    opened.store.close()


def eventually(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


def submit(room: JobRoom, text: str = "x", **values: object) -> Job:
    return room.desk.submit(wish("herd", **values), text.encode())


class Working:
    """A worker for the length of a block."""

    def __init__(self, room: JobRoom, work: Work, options: WorkerOptions = QUICK) -> None:
        self.hand = Hand(work)
        self.worker = Worker(room, [self.hand], options)

    def __enter__(self) -> Working:
        self.worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.stop()


def ended(room: JobRoom, job: Job) -> Job:
    eventually(lambda: room.store.find(job.id).state.is_terminal)
    return room.store.find(job.id)


def test_jobs_are_done_with_their_own_inputs(room: JobRoom) -> None:
    jobs = [submit(room, f"photo {n}") for n in range(20)]
    with Working(room, echo) as working:
        for number, job in enumerate(jobs):
            assert ended(room, job).state is State.DONE
            assert room.store.result(job.id) == f'"photo {number}"'
    assert working.hand.runs == [job.id for job in jobs]


def test_a_worker_that_waits_is_woken_by_a_put(room: JobRoom) -> None:
    with Working(room, echo):
        time.sleep(0.3)
        assert ended(room, submit(room)).state is State.DONE


def test_the_inputs_fault_fails_at_once(room: JobRoom) -> None:
    error = HaversackError("image-truncated", "it ends early", hint="send it again")
    with Working(room, raises(error)) as working:
        job = ended(room, submit(room))
    assert (job.state, job.error_code, job.error_hint) == (
        State.FAILED,
        "image-truncated",
        "send it again",
    )
    assert len(working.hand.runs) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "memory-short"),
        (HaversackError("pack-not-loaded", "gone", kind=Kind.NOT_FOUND), "pack-not-loaded"),
        (HaversackError("blobs-away", "gone", kind=Kind.UNAVAILABLE), "blobs-away"),
        (ZeroDivisionError("ours"), "server-fault"),
    ],
)
def test_our_own_fault_is_tried_three_times_and_then_the_job_is_dead(
    room: JobRoom, error: BaseException, code: str
) -> None:
    with Working(room, raises(error)) as working:
        job = ended(room, submit(room))
        other = ended(room, submit(room))
    assert (job.state, job.error_code, job.attempts) == (State.DEAD, code, 3)
    assert other.state is State.DEAD
    assert len(working.hand.runs) == 6


def test_a_job_whose_photo_was_damaged_is_dead_and_says_so(room: JobRoom, tmp_path: Path) -> None:
    job = submit(room, "whole")
    (blob,) = tmp_path.glob("blobs/??/*")
    blob.write_bytes(b"other")
    with Working(room, echo):
        assert ended(room, job).error_code == "blob-damaged"


def test_a_running_job_is_cancelled_and_its_result_is_not_taken(room: JobRoom) -> None:
    with Working(room, until_unwanted) as working:
        job = submit(room)
        eventually(lambda: room.store.find(job.id).state is State.RUNNING)
        room.store.cancel(job.id)
        other = submit(room)
        eventually(lambda: other.id in working.hand.runs)
        room.store.cancel(other.id)
    assert room.store.find(job.id).state is State.CANCELLED


def test_a_long_job_keeps_its_lease_and_tells_its_progress(room: JobRoom) -> None:
    go_on = threading.Event()

    def long(attempt: Attempt) -> Outcome:
        attempt.progress(Progress(3, 7))
        assert go_on.wait(20)
        return Outcome(result="{}", version="1")

    with Working(room, long) as working:
        job = submit(room)
        eventually(lambda: room.store.find(job.id).progress_done == 3)
        time.sleep(2 * QUICK.rhythm.lease_seconds)
        assert room.store.find(job.id).state is State.RUNNING
        go_on.set()
        done = ended(room, job)
    assert (done.state, done.attempts, done.progress_done) == (State.DONE, 1, 7)
    assert len(working.hand.runs) == 1


def test_a_worker_that_lost_its_lease_has_its_report_refused(room: JobRoom) -> None:
    first_began, go_on = threading.Event(), threading.Event()

    def slow(attempt: Attempt) -> Outcome:
        first_began.set()
        assert go_on.wait(20)
        return Outcome(result='"first"', version="1")

    # One that neither beats nor sweeps, as where its machine sleeps.
    deaf = WorkerOptions(rhythm=Rhythm(lease_seconds=0.3, beat_seconds=99, sweep_seconds=99))
    with Working(room, slow, deaf):
        time.sleep(0.3)  # its first sweep and beat, before there is a job
        job = submit(room)
        assert first_began.wait(20)
        with Working(room, lambda _: Outcome(result='"second"', version="1")):
            assert ended(room, job).attempts == 2
        go_on.set()
    assert room.store.result(job.id) == '"second"'


def test_stopping_lets_a_short_job_finish(room: JobRoom) -> None:
    def short(attempt: Attempt) -> Outcome:
        time.sleep(0.15)
        return echo(attempt)

    working = Working(room, short)
    with working:
        job = submit(room)
        eventually(lambda: bool(working.hand.runs))
    assert room.store.find(job.id).state is State.DONE


def test_stopping_hands_a_long_job_back_without_counting_an_attempt(room: JobRoom) -> None:
    with Working(room, until_unwanted) as working:
        job = submit(room)
        eventually(lambda: bool(working.hand.runs))
    back = room.store.find(job.id)
    assert (back.state, back.attempts) == (State.QUEUED, 0)
    with Working(room, echo):
        assert ended(room, job).state is State.DONE


@pytest.mark.parametrize("drain_seconds", [0.0, 0.2])
def test_a_stopped_worker_has_no_thread_left(
    room: JobRoom, caplog: pytest.LogCaptureFixture, drain_seconds: float
) -> None:
    go_on = threading.Event()

    def deaf(attempt: Attempt) -> Outcome:
        assert go_on.wait(20)
        return echo(attempt)

    options = replace(QUICK, drain_seconds=drain_seconds, heed_seconds=0.1)
    working = Working(room, deaf, options)
    working.worker.start()
    job = submit(room)
    eventually(lambda: bool(working.hand.runs))
    stopping = threading.Thread(target=working.worker.stop)
    stopping.start()
    eventually(lambda: caplog.text.count("still works after") >= 2)
    assert job.id in caplog.text
    assert stopping.is_alive()
    assert room.store.find(job.id).state is State.QUEUED  # another worker's by now
    go_on.set()
    stopping.join(20)
    assert not stopping.is_alive()
    assert threads_of_workers() == []
    assert room.store.find(job.id).attempts == 0


class AwayOnce(SqlJobStore):
    """A store that cannot be reached when a job is handed back the first time."""

    tries = 0

    def hand_back(self, lease: Lease) -> bool:
        self.tries += 1
        if self.tries == 1:
            raise HaversackError("database-away", "gone", kind=Kind.UNAVAILABLE)
        return super().hand_back(lease)


def test_what_could_not_be_handed_back_is_handed_back_later(
    room: JobRoom, places: JobPlaces, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()

    def deaf(attempt: Attempt) -> Outcome:
        assert go_on.wait(20)
        return echo(attempt)

    store = AwayOnce(open_database(places.database_url))
    options = replace(QUICK, drain_seconds=0.0, heed_seconds=0.05)
    working = Working(replace(room, store=store), deaf, options)
    working.worker.start()
    job = submit(room)
    eventually(lambda: bool(working.hand.runs))
    stopping = threading.Thread(target=working.worker.stop)
    stopping.start()
    try:
        eventually(lambda: f"handed back are {job.id}" in caplog.text, 5)
    finally:
        go_on.set()
        stopping.join(20)
        store.close()
    assert f"left to their leases are {job.id}" in caplog.text
    found = room.store.find(job.id)
    assert (found.state, found.attempts) == (State.QUEUED, 0)


def threads_of_workers() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("job-")]


def test_a_worker_that_is_stopped_while_it_takes_a_job_gives_it_back(room: JobRoom) -> None:
    for _ in range(5):
        working = Working(room, echo, replace(QUICK, drain_seconds=0.0))
        working.worker.start()
        jobs = [submit(room) for _ in range(3)]
        working.worker.stop()
        assert threads_of_workers() == []
        for job in jobs:
            found = room.store.find(job.id)
            assert (found.state, found.attempts) in ((State.DONE, 1), (State.QUEUED, 0))


class SlowBlobs(FolderBlobs):
    """A store that takes its time to delete, until it is told to be quick."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.is_deleting, self.go_on = threading.Event(), threading.Event()

    def delete(self, name: str) -> None:
        self.is_deleting.set()
        assert self.go_on.wait(20)
        super().delete(name)


def test_a_lease_is_kept_while_old_photos_are_deleted_slowly(room: JobRoom, tmp_path: Path) -> None:
    blobs, end = SlowBlobs(tmp_path / "blobs"), threading.Event()

    def long(attempt: Attempt) -> Outcome:
        while not (attempt.unwanted.is_set() or end.wait(0.01)):
            pass
        return echo(attempt)

    old = submit(room)
    with Working(room, echo):
        assert ended(room, old).state is State.DONE
    slow = replace(room, blobs=blobs)
    options = replace(QUICK, keep=Keep(input_seconds=0.0))
    with Working(slow, long, options) as working:
        job = submit(room)
        assert blobs.is_deleting.wait(20)
        time.sleep(3 * QUICK.rhythm.lease_seconds)
        room.store.sweep()  # as another worker does
        found = room.store.find(job.id)
        assert (found.state, found.attempts) == (State.RUNNING, 1)
        end.set()
        assert ended(room, job).state is State.DONE
        blobs.go_on.set()
    assert working.hand.runs == [job.id]


def test_a_worker_that_ends_while_it_deletes_says_so(
    room: JobRoom, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blobs = SlowBlobs(tmp_path / "blobs")
    old = submit(room)
    with Working(room, echo):
        assert ended(room, old).state is State.DONE
    options = replace(QUICK, keep=Keep(input_seconds=0.0), heed_seconds=0.05)
    working = Working(replace(room, blobs=blobs), echo, options)
    working.worker.start()
    assert blobs.is_deleting.wait(20)
    stopping = threading.Thread(target=working.worker.stop)
    stopping.start()
    try:
        eventually(lambda: "job-tidier still works after" in caplog.text)
    finally:
        blobs.go_on.set()
        stopping.join(20)
    (line, *_) = [one for one in caplog.messages if "job-tidier" in one]
    assert "handed back" not in line
    assert "it deletes" in line


def test_results_and_photos_go_by_quota_and_the_state_stays(room: JobRoom, tmp_path: Path) -> None:
    keep = Keep(result_bytes=30, input_bytes=25)
    options = WorkerOptions(rhythm=QUICK.rhythm, keep=keep, idle_seconds=0.1)
    with Working(room, echo, options):
        jobs = [submit(room, f"0123456{n}") for n in range(6)]
        assert all(ended(room, job).state is State.DONE for job in jobs)
        eventually(lambda: len(list(tmp_path.glob("blobs/??/*"))) == 3)
        eventually(lambda: room.store.find(jobs[2].id).result_removed == 1)
    assert [room.store.find(job.id).result_removed for job in jobs] == [1, 1, 1, 0, 0, 0]
    with pytest.raises(HaversackError, match="kept no longer"):
        room.store.result(jobs[0].id)
    assert room.store.result(jobs[5].id) == '"01234565"'


def test_the_same_key_keeps_one_photo(room: JobRoom, tmp_path: Path) -> None:
    first = submit(room, "x", idempotency_key="k")
    assert submit(room, "x", idempotency_key="k").id == first.id
    with pytest.raises(HaversackError):
        submit(room, "y", idempotency_key="k")
    assert len(list(tmp_path.glob("blobs/??/*"))) == 1


def test_more_than_the_limits_is_refused(room: JobRoom) -> None:
    few = Desk(places_of(room), DeskLimits(queued=1))
    little = Desk(places_of(room), DeskLimits(input_bytes=10))
    few.submit(wish("herd"), b"123")
    little.submit(wish("herd"), b"123")
    for desk, size in (
        (Desk(places_of(room), DeskLimits(queued=1)), 1),
        (little, 11),
    ):
        with pytest.raises(HaversackError) as caught:
            desk.submit(wish("herd"), b"x" * size)
        assert caught.value.code == "jobs-full"


def test_photos_kept_elsewhere_are_refused(places: JobPlaces, tmp_path: Path) -> None:
    open_room(places).store.close()
    other = JobPlaces(
        state=tmp_path, database=places.database, blobs=str(tmp_path / "another-place")
    )
    with pytest.raises(HaversackError) as caught:
        open_room(other)
    assert caught.value.code == "blobs-elsewhere"
    open_room(places).store.close()


def test_a_worker_waits_while_postgresql_is_stopped_and_goes_on(
    postgres: Postgres, tmp_path: Path
) -> None:
    if postgres.stop is None or postgres.start is None:
        pytest.skip("the PostgreSQL of HAVERSACK_TEST_DATABASE is not ours to stop")
    room = open_room(JobPlaces(state=tmp_path, database=postgres.new_database()))
    go_on = threading.Event()

    def work(attempt: Attempt) -> Outcome:
        assert go_on.wait(30)
        return echo(attempt)

    with Working(room, work) as working:
        first, second = submit(room, "first"), submit(room, "second")
        eventually(lambda: bool(working.hand.runs))
        postgres.stop()
        try:
            with pytest.raises(HaversackError) as caught:
                submit(room)
            go_on.set()  # the first job ends while nobody can be told
            time.sleep(0.5)
        finally:
            postgres.start()
        assert caught.value.code == "database-away"
        for job, text in ((first, '"first"'), (second, '"second"')):
            assert ended(room, job).state is State.DONE
            assert room.store.result(job.id) == text
    room.store.close()


def test_a_cut_connection_is_made_anew_by_the_next_call(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.new_database()
    store, other = SqlJobStore(open_database(url), Outside()), open_database(url)
    listener = store.listener()
    listener.wait(0.1)
    claim = Claim(kinds=["predict"], packs=["herd"], worker="w")
    assert store.claim(claim) == []
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert len(other.rows(cut, {})) >= 2
    assert store.claim(claim) == []
    assert store.fact("a", "b") == "b"
    with pytest.raises(HaversackError, match="cannot be reached"):
        listener.wait(1)
    listener.wait(1)
    for one in (listener, store, other):
        one.close()
