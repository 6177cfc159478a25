"""Several jobs in one go: who may take part, and that none of them suffers by another."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tests.integration.poisoned_worker import POISON
from tests.integration.test_jobs_worker import QUICK, echo, eventually, submit

from haversack.errors import HaversackError
from haversack.jobs.handler import Attempt, Outcome, Result
from haversack.jobs.intake import wish
from haversack.jobs.job import Job, State
from haversack.jobs.lease_keeper import LeaseTimes
from haversack.jobs.services import JobLocations, JobServices, open_services
from haversack.jobs.store import Claim
from haversack.jobs.worker import Worker, WorkerOptions

Together = Callable[[Sequence[Attempt]], Sequence[Result]]


class Hands:
    """A handler that does up to four jobs at once, as a test says."""

    kind = "predict"

    def __init__(self, together: Together) -> None:
        self._together = together
        self.runs: list[list[str]] = []

    def packs(self) -> Sequence[str]:
        return ["herd", "herd@2", "flock"]

    def most_at_once(self, job: Job) -> int:
        return 4

    def run(self, attempt: Attempt) -> Outcome:
        self.runs.append([attempt.job.id])
        return echo(attempt)

    def run_together(self, attempts: Sequence[Attempt]) -> Sequence[Result]:
        self.runs.append([attempt.job.id for attempt in attempts])
        return self._together(attempts)

    def tidy(self) -> None:
        """Nothing is left."""


def echoes(attempts: Sequence[Attempt]) -> Sequence[Result]:
    return [echo(attempt) for attempt in attempts]


@pytest.fixture
def services(tmp_path: Path) -> Iterator[JobServices]:
    opened = open_services(JobLocations(state=tmp_path))
    yield opened
    opened.store.close()


class Working:
    """A worker with four hands for the length of a block."""

    def __init__(
        self, services: JobServices, together: Together, options: WorkerOptions = QUICK
    ) -> None:
        self.hands = Hands(together)
        self.worker = Worker(services, [self.hands], options)

    def __enter__(self) -> Hands:
        self.worker.start()
        return self.hands

    def __exit__(self, *_: object) -> None:
        self.worker.stop()


def ended(services: JobServices, jobs: Sequence[Job]) -> list[Job]:
    eventually(lambda: all(services.store.find(job.id).state.is_terminal for job in jobs))
    return [services.store.find(job.id) for job in jobs]


def until_unwanted(attempts: Sequence[Attempt]) -> Sequence[Result]:
    for attempt in attempts:
        assert attempt.unwanted.wait(20)
    return echoes(attempts)


def test_jobs_that_want_the_same_are_done_together_each_with_its_own_input(
    services: JobServices,
) -> None:
    jobs = [submit(services, f"photo {n}") for n in range(10)]
    with Working(services, echoes) as hands:
        for number, job in enumerate(ended(services, jobs)):
            assert job.state is State.DONE
            assert services.store.result(job.id) == f'"photo {number}"'
    assert [len(run) for run in hands.runs] == [4, 4, 2]


def test_jobs_that_want_something_else_are_not_among_them(services: JobServices) -> None:
    wanted = [("herd", ""), ("flock", ""), ("herd", "2")]
    jobs = [
        services.intake.submit(wish(pack, kind="predict", version=version), f"{n}".encode())
        for n in range(6)
        for pack, version in wanted
    ]
    wants = {job.id: job.wants for job in jobs}
    with Working(services, echoes) as hands:
        assert {job.state for job in ended(services, jobs)} == {State.DONE}
    assert all(len({wants[job_id] for job_id in run}) == 1 for run in hands.runs)
    assert max(len(run) for run in hands.runs) == 4


def test_a_job_that_was_tried_before_is_done_alone(services: JobServices) -> None:
    jobs = [submit(services, f"{n}") for n in range(6)]
    claim = Claim(kinds=["predict"], packs=["herd"], worker="lost", lease_seconds=0.01, count=2)
    tried = [one.job.id for one in services.store.claim(claim)]
    with Working(services, echoes) as hands:
        assert {job.state for job in ended(services, jobs)} == {State.DONE}
    assert [len(run) for run in hands.runs if set(run) & set(tried)] == [1, 1]


def test_one_that_fails_fails_alone(services: JobServices) -> None:
    def second_fails(attempts: Sequence[Attempt]) -> Sequence[Result]:
        results: list[Result] = list(echoes(attempts))
        results[1] = HaversackError("image-truncated", "it ends early")
        return results

    jobs = [submit(services, f"{n}") for n in range(4)]
    with Working(services, second_fails):
        states = [job.state for job in ended(services, jobs)]
    assert states == [State.DONE, State.FAILED, State.DONE, State.DONE]


def test_a_handlers_own_mistake_is_made_good_one_by_one(services: JobServices) -> None:
    def mistaken(attempts: Sequence[Attempt]) -> Sequence[Result]:
        raise ZeroDivisionError

    jobs = [submit(services, f"{n}") for n in range(4)]
    with Working(services, mistaken) as hands:
        after = ended(services, jobs)
    assert {(job.state, job.attempts) for job in after} == {(State.DONE, 2)}
    assert sorted(map(len, hands.runs)) == [1, 1, 1, 1, 4]


def test_cancelling_one_does_not_hurt_the_others(services: JobServices) -> None:
    go_on = threading.Event()

    def slow(attempts: Sequence[Attempt]) -> Sequence[Result]:
        assert attempts[2].unwanted.wait(20)
        assert go_on.wait(20)
        return echoes(attempts)

    jobs = [submit(services, f"{n}") for n in range(4)]
    with Working(services, slow) as hands:
        eventually(lambda: bool(hands.runs))
        services.store.cancel(jobs[2].id)
        time.sleep(2 * QUICK.lease_times.lease_seconds)  # the others' leases are renewed meanwhile
        go_on.set()
        states = [job.state for job in ended(services, jobs)]
    assert states == [State.DONE, State.DONE, State.CANCELLED, State.DONE]
    assert [services.store.find(job.id).attempts for job in jobs] == [1, 1, 1, 1]


def test_a_worker_that_is_to_end_hands_all_of_them_back(services: JobServices) -> None:
    jobs = [submit(services, f"{n}") for n in range(4)]
    with Working(services, until_unwanted) as hands:
        eventually(lambda: bool(hands.runs))
    back = [services.store.find(job.id) for job in jobs]
    assert {(job.state, job.attempts) for job in back} == {(State.QUEUED, 0)}
    with Working(services, echoes) as hands:
        assert {job.state for job in ended(services, jobs)} == {State.DONE}
    assert [len(run) for run in hands.runs] == [4]  # nobody has tried them


def test_what_was_lost_meanwhile_is_refused_and_the_rest_is_taken(services: JobServices) -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow(attempts: Sequence[Attempt]) -> Sequence[Result]:
        began.set()
        assert go_on.wait(20)
        return [Outcome(result='"first"', version="1") for _ in attempts]

    deaf = WorkerOptions(
        lease_times=LeaseTimes(lease_seconds=0.3, beat_seconds=99, sweep_seconds=99)
    )
    jobs = [submit(services, f"{n}") for n in range(2)]
    with Working(services, slow, deaf):
        assert began.wait(20)
        with Working(services, echoes):
            ended(services, jobs)
        go_on.set()
    assert [services.store.result(job.id) for job in jobs] == ['"0"', '"1"']


def test_the_time_of_all_is_shared_by_all(services: JobServices) -> None:
    def slow(attempts: Sequence[Attempt]) -> Sequence[Result]:
        time.sleep(0.4)
        return echoes(attempts)

    jobs = [submit(services, f"{n}") for n in range(4)]
    with Working(services, slow):
        after = ended(services, jobs)
    assert all(0.09 < job.seconds < 0.3 for job in after)
    cost = services.store.queue_position(submit(services)).cost_seconds
    assert cost is not None
    assert cost < 0.3


def test_a_photo_that_kills_its_worker_takes_others_with_it_once_and_then_dies_alone(
    services: JobServices, tmp_path: Path
) -> None:
    texts = [f"{n}".encode() for n in range(7)]
    jobs = [
        services.intake.submit(wish("herd", kind="predict"), text)
        for text in [*texts[:3], POISON, *texts[3:]]
    ]
    words = [sys.executable, "-m", "tests.integration.poisoned_worker", str(tmp_path)]
    deaths = 0
    end = time.monotonic() + 60
    while not all(services.store.find(job.id).state.is_terminal for job in jobs):
        assert time.monotonic() < end
        with subprocess.Popen(words, cwd=Path(__file__).parents[2]) as process:
            while process.poll() is None:
                if all(services.store.find(job.id).state.is_terminal for job in jobs):
                    process.kill()
                time.sleep(0.02)
        deaths += 1
    after = [services.store.find(job.id) for job in jobs]
    poison = after.pop(3)
    assert (poison.state, poison.error_code, poison.attempts) == (State.DEAD, "worker-lost", 3)
    assert {job.state for job in after} == {State.DONE}
    assert {job.attempts for job in after} == {2}
    assert deaths == 4  # the last one of old age
