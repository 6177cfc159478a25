"""A worker with its three threads, on both databases: what it does with every way a job can go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contract.databases import Postgres, running_postgres

from haversack.database.opening import open_database
from haversack.errors import HaversackError, Kind
from haversack.jobs.folder_blobs import FolderBlobs
from haversack.jobs.handler import Attempt, Outcome
from haversack.jobs.intake import wish
from haversack.jobs.job import Job, Lease, Progress, State
from haversack.jobs.lease_keeper import LeaseTimes
from haversack.jobs.services import JobLocations, JobServices, open_services
from haversack.jobs.sql_store import Outside, SqlJobStore
from haversack.jobs.store import Claim, Retention
from haversack.jobs.worker import Worker, WorkerOptions

QUICK = WorkerOptions(
    name="tested",
    lease_times=LeaseTimes(
        lease_seconds=1.5, beat_seconds=0.1, sweep_seconds=0.1, tidy_seconds=0.2
    ),
    idle_seconds=0.1,
    away_seconds=0.1,
    drain_seconds=0.3,
    delay_seconds=dict.fromkeys(Kind, 0.05),
)
Work = Callable[[Attempt], Outcome]


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
def places(request: pytest.FixtureRequest, tmp_path: Path) -> JobLocations:
    if request.param == "sqlite":
        return JobLocations(state=tmp_path)
    postgres: Postgres = request.getfixturevalue("postgres")
    return JobLocations(state=tmp_path, database=postgres.new_database())


@pytest.fixture
def services(places: JobLocations) -> Iterator[JobServices]:
    opened = open_services(places)
    yield opened
    opened.store.close()


def eventually(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


def submit(services: JobServices, text: str = "x", **values: object) -> Job:
    return services.intake.submit(wish("herd", kind="predict", **values), text.encode())


class Working:
    """A worker for the length of a block."""

    def __init__(self, services: JobServices, work: Work, options: WorkerOptions = QUICK) -> None:
        self.hand = Hand(work)
        self.worker = Worker(services, [self.hand], options)

    def __enter__(self) -> Working:
        self.worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.stop()


def ended(services: JobServices, job: Job) -> Job:
    eventually(lambda: services.store.find(job.id).state.is_terminal)
    return services.store.find(job.id)


def test_jobs_are_done_with_their_own_inputs(services: JobServices) -> None:
    jobs = [submit(services, f"photo {n}") for n in range(20)]
    with Working(services, echo) as working:
        for number, job in enumerate(jobs):
            assert ended(services, job).state is State.DONE
            assert services.store.result(job.id) == f'"photo {number}"'
    assert working.hand.runs == [job.id for job in jobs]


def test_a_worker_that_waits_is_woken_by_a_put(services: JobServices) -> None:
    with Working(services, echo):
        time.sleep(0.3)
        assert ended(services, submit(services)).state is State.DONE


@pytest.mark.parametrize(
    "kind",
    [Kind.INVALID, Kind.TOO_LARGE, Kind.UNSUPPORTED, Kind.FORBIDDEN, Kind.UNAUTHENTICATED],
)
def test_the_inputs_fault_fails_at_once(services: JobServices, kind: Kind) -> None:
    error = HaversackError("image-truncated", "it ends early", hint="send it again", kind=kind)
    with Working(services, raises(error)) as working:
        job = ended(services, submit(services))
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
        (HaversackError("deadline-passed", "late", kind=Kind.DEADLINE), "deadline-passed"),
        (ZeroDivisionError("ours"), "server-fault"),
    ],
)
def test_our_own_fault_is_tried_three_times_and_then_the_job_is_dead(
    services: JobServices, error: BaseException, code: str
) -> None:
    with Working(services, raises(error)) as working:
        job = ended(services, submit(services))
        other = ended(services, submit(services))
    assert (job.state, job.error_code, job.attempts) == (State.DEAD, code, 3)
    assert other.state is State.DEAD
    assert len(working.hand.runs) == 6


def test_a_job_whose_photo_was_damaged_is_dead_and_says_so(
    services: JobServices, tmp_path: Path
) -> None:
    job = submit(services, "whole")
    (blob,) = tmp_path.glob("blobs/??/*")
    blob.write_bytes(b"other")
    with Working(services, echo):
        assert ended(services, job).error_code == "blob-damaged"


def test_a_running_job_is_cancelled_and_its_result_is_not_taken(services: JobServices) -> None:
    with Working(services, until_unwanted) as working:
        job = submit(services)
        eventually(lambda: services.store.find(job.id).state is State.RUNNING)
        services.store.cancel(job.id)
        other = submit(services)
        eventually(lambda: other.id in working.hand.runs)
        services.store.cancel(other.id)
    assert services.store.find(job.id).state is State.CANCELLED


def test_a_long_job_keeps_its_lease_and_tells_its_progress(services: JobServices) -> None:
    go_on = threading.Event()

    def long(attempt: Attempt) -> Outcome:
        attempt.progress(Progress(3, 7))
        assert go_on.wait(20)
        return Outcome(result="{}", version="1")

    with Working(services, long) as working:
        job = submit(services)
        eventually(lambda: services.store.find(job.id).progress_done == 3)
        time.sleep(2 * QUICK.lease_times.lease_seconds)
        assert services.store.find(job.id).state is State.RUNNING
        go_on.set()
        done = ended(services, job)
    assert (done.state, done.attempts, done.progress_done) == (State.DONE, 1, 7)
    assert len(working.hand.runs) == 1


def test_a_worker_that_lost_its_lease_has_its_report_refused(services: JobServices) -> None:
    first_began, go_on = threading.Event(), threading.Event()

    def slow(attempt: Attempt) -> Outcome:
        first_began.set()
        assert go_on.wait(20)
        return Outcome(result='"first"', version="1")

    # One that neither beats nor sweeps, as where its machine sleeps.
    deaf = WorkerOptions(
        lease_times=LeaseTimes(lease_seconds=0.3, beat_seconds=99, sweep_seconds=99)
    )
    with Working(services, slow, deaf):
        time.sleep(0.3)  # its first sweep and beat, before there is a job
        job = submit(services)
        assert first_began.wait(20)
        with Working(services, lambda _: Outcome(result='"second"', version="1")):
            assert ended(services, job).attempts == 2
        go_on.set()
    assert services.store.result(job.id) == '"second"'


def test_stopping_lets_a_short_job_finish(services: JobServices) -> None:
    def short(attempt: Attempt) -> Outcome:
        time.sleep(0.15)
        return echo(attempt)

    working = Working(services, short)
    with working:
        job = submit(services)
        eventually(lambda: bool(working.hand.runs))
    assert services.store.find(job.id).state is State.DONE


def test_stopping_hands_a_long_job_back_without_counting_an_attempt(services: JobServices) -> None:
    with Working(services, until_unwanted) as working:
        job = submit(services)
        eventually(lambda: bool(working.hand.runs))
    back = services.store.find(job.id)
    assert (back.state, back.attempts) == (State.QUEUED, 0)
    with Working(services, echo):
        assert ended(services, job).state is State.DONE


@pytest.mark.parametrize("drain_seconds", [0.0, 0.2])
def test_a_stopped_worker_has_no_thread_left(
    services: JobServices, caplog: pytest.LogCaptureFixture, drain_seconds: float
) -> None:
    go_on = threading.Event()

    def deaf(attempt: Attempt) -> Outcome:
        assert go_on.wait(20)
        return echo(attempt)

    options = replace(QUICK, drain_seconds=drain_seconds, heed_seconds=0.1)
    working = Working(services, deaf, options)
    working.worker.start()
    job = submit(services)
    eventually(lambda: bool(working.hand.runs))
    stopping = threading.Thread(target=working.worker.stop)
    stopping.start()
    eventually(lambda: caplog.text.count("still works after") >= 2)
    assert job.id in caplog.text
    assert stopping.is_alive()
    assert services.store.find(job.id).state is State.QUEUED  # another worker's by now
    go_on.set()
    stopping.join(20)
    assert not stopping.is_alive()
    assert threads_of_workers() == []
    assert services.store.find(job.id).attempts == 0


class AwayOnce(SqlJobStore):
    """A store that cannot be reached when a job is handed back the first time."""

    tries = 0

    def hand_back(self, lease: Lease) -> bool:
        self.tries += 1
        if self.tries == 1:
            raise HaversackError("database-away", "gone", kind=Kind.UNAVAILABLE)
        return super().hand_back(lease)


def test_what_could_not_be_handed_back_is_handed_back_later(
    services: JobServices, places: JobLocations, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()

    def deaf(attempt: Attempt) -> Outcome:
        assert go_on.wait(20)
        return echo(attempt)

    store = AwayOnce(open_database(places.database_url))
    options = replace(QUICK, drain_seconds=0.0, heed_seconds=0.05)
    working = Working(replace(services, store=store), deaf, options)
    working.worker.start()
    job = submit(services)
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
    found = services.store.find(job.id)
    assert (found.state, found.attempts) == (State.QUEUED, 0)


def threads_of_workers() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("job-")]


def test_a_worker_that_is_stopped_while_it_takes_a_job_gives_it_back(services: JobServices) -> None:
    for _ in range(5):
        working = Working(services, echo, replace(QUICK, drain_seconds=0.0))
        working.worker.start()
        jobs = [submit(services) for _ in range(3)]
        working.worker.stop()
        assert threads_of_workers() == []
        for job in jobs:
            found = services.store.find(job.id)
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


def test_a_lease_is_kept_while_old_photos_are_deleted_slowly(
    services: JobServices, tmp_path: Path
) -> None:
    blobs, end = SlowBlobs(tmp_path / "blobs"), threading.Event()

    def long(attempt: Attempt) -> Outcome:
        while not (attempt.unwanted.is_set() or end.wait(0.01)):
            pass
        return echo(attempt)

    old = submit(services)
    with Working(services, echo):
        assert ended(services, old).state is State.DONE
    slow = replace(services, blobs=blobs)
    options = replace(QUICK, keep=Retention(input_seconds=0.0))
    with Working(slow, long, options) as working:
        job = submit(services)
        assert blobs.is_deleting.wait(20)
        time.sleep(3 * QUICK.lease_times.lease_seconds)
        services.store.sweep()  # as another worker does
        found = services.store.find(job.id)
        assert (found.state, found.attempts) == (State.RUNNING, 1)
        end.set()
        assert ended(services, job).state is State.DONE
        blobs.go_on.set()
    assert working.hand.runs == [job.id]


def test_a_worker_that_ends_while_it_deletes_says_so(
    services: JobServices, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blobs = SlowBlobs(tmp_path / "blobs")
    old = submit(services)
    with Working(services, echo):
        assert ended(services, old).state is State.DONE
    options = replace(QUICK, keep=Retention(input_seconds=0.0), heed_seconds=0.05)
    working = Working(replace(services, blobs=blobs), echo, options)
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


def test_results_and_photos_go_by_quota_and_the_state_stays(
    services: JobServices, tmp_path: Path
) -> None:
    keep = Retention(result_bytes=30, input_bytes=25)
    options = WorkerOptions(lease_times=QUICK.lease_times, keep=keep, idle_seconds=0.1)
    with Working(services, echo, options):
        jobs = [submit(services, f"0123456{n}") for n in range(6)]
        assert all(ended(services, job).state is State.DONE for job in jobs)
        eventually(lambda: len(list(tmp_path.glob("blobs/??/*"))) == 3)
        eventually(lambda: services.store.find(jobs[2].id).result_removed == 1)
    assert [services.store.find(job.id).result_removed for job in jobs] == [1, 1, 1, 0, 0, 0]
    with pytest.raises(HaversackError, match="kept no longer"):
        services.store.result(jobs[0].id)
    assert services.store.result(jobs[5].id) == '"01234565"'


def test_photos_kept_elsewhere_are_refused(places: JobLocations, tmp_path: Path) -> None:
    open_services(places).store.close()
    other = JobLocations(
        state=tmp_path, database=places.database, blobs=str(tmp_path / "another-place")
    )
    with pytest.raises(HaversackError) as caught:
        open_services(other)
    assert caught.value.code == "blobs-elsewhere"
    open_services(places).store.close()


def test_a_worker_waits_while_postgresql_is_stopped_and_goes_on(
    postgres: Postgres, tmp_path: Path
) -> None:
    if postgres.stop is None or postgres.start is None:
        pytest.skip("the PostgreSQL of HAVERSACK_TEST_DATABASE is not ours to stop")
    services = open_services(JobLocations(state=tmp_path, database=postgres.new_database()))
    go_on = threading.Event()

    def work(attempt: Attempt) -> Outcome:
        assert go_on.wait(30)
        return echo(attempt)

    with Working(services, work) as working:
        first, second = submit(services, "first"), submit(services, "second")
        eventually(lambda: bool(working.hand.runs))
        postgres.stop()
        try:
            with pytest.raises(HaversackError) as caught:
                submit(services)
            go_on.set()  # the first job ends while nobody can be told
            time.sleep(0.5)
        finally:
            postgres.start()
        assert caught.value.code == "database-away"
        for job, text in ((first, '"first"'), (second, '"second"')):
            assert ended(services, job).state is State.DONE
            assert services.store.result(job.id) == text
    services.store.close()


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
