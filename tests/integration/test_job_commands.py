"""Jobs that a command does: what it may tell, how it ends, and that nothing of it stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.commanding import MODULE, handler_of, opened, submitted, working

from haversack.jobs.command.handler import CommandHandler
from haversack.jobs.command.process import CommandLimits
from haversack.jobs.files import Role
from haversack.jobs.job import Job, State
from haversack.jobs.services import JobServices

ROOT = Path(__file__).parents[2]


@pytest.fixture
def services(tmp_path: Path) -> Iterator[JobServices]:
    made = opened(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bytes"


def eventually(look: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
    return found


def ended(services: JobServices, job: Job) -> Job:
    def look() -> Job | None:
        found = services.store.find(job.id)
        return found if found.state.is_terminal else None

    found: Job = eventually(look)
    return found


def done(services: JobServices, handler: CommandHandler, act: str, *, attempts: int = 1) -> Job:
    job = submitted(services, act, attempts=attempts)
    with working(services, handler):
        return ended(services, job)


def is_alive(pid: int) -> bool:
    """Whether that process does anything yet; what nobody has buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pids(folder: Path, job: Job) -> list[int]:
    """Of the command and of what it started, once it waits."""
    work = folder / job.id / "work"
    eventually((work / "waits").exists)
    return [int((work / name).read_text()) for name in ("pid", "other")]


def test_a_command_gives_a_result_and_files(services: JobServices, folder: Path) -> None:
    job = done(services, handler_of(services, folder), "")
    assert (job.state, job.error_message) == (State.DONE, "")
    files = [{"name": "said.txt", "bytes": 10}]
    assert json.loads(services.store.result(job.id)) == {"bytes": 7, "attempt": 1, "files": files}
    (file,) = services.files.files(job.id, Role.RESULT)
    assert services.blobs.part(file.blob, 0, 99) == b"some words"


def test_what_libraries_print_is_no_result(services: JobServices, folder: Path) -> None:
    assert done(services, handler_of(services, folder), "print").state is State.DONE


def test_lines_that_mean_nothing_are_passed_over(services: JobServices, folder: Path) -> None:
    job = done(services, handler_of(services, folder, command=(MODULE, "chatter")), "")
    assert json.loads(services.store.result(job.id)) == {"bytes": 0, "files": []}


@pytest.mark.parametrize(
    ("act", "code", "message"),
    [
        ("crash", "job-command-failed", "the job's command ended with status 1: the last words"),
        ("kill", "job-command-failed", "the job's command was ended by SIGKILL: "),
        ("silent", "job-command-failed", "the job's command ended without a result"),
    ],
)
def test_a_command_that_dies_is_a_failed_attempt(
    services: JobServices, folder: Path, act: str, code: str, message: str
) -> None:
    job = done(services, handler_of(services, folder), act)
    assert (job.state, job.error_code, job.error_message) == (State.DEAD, code, message)


def test_what_the_command_calls_the_inputs_fault_is_not_tried_again(
    services: JobServices, folder: Path
) -> None:
    job = done(services, handler_of(services, folder), "refuse", attempts=3)
    assert (job.state, job.attempts) == (State.FAILED, 1)
    told = (job.error_code, job.error_message, job.error_hint)
    assert told == ("labels-missing", "no labels; a.jpg", "Give some.")


def test_the_next_attempt_finds_what_the_one_before_left(
    services: JobServices, folder: Path
) -> None:
    job = done(services, handler_of(services, folder), "once", attempts=2)
    assert (job.state, job.attempts) == (State.DONE, 2)
    assert json.loads(services.store.result(job.id))["attempt"] == 2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere RLIMIT_DATA counts less")
def test_memory_beyond_the_limit_ends_the_attempt(services: JobServices, folder: Path) -> None:
    limits = CommandLimits(memory_bytes=512 << 20)
    job = done(services, handler_of(services, folder, limits), "eat")
    assert job.error_message == "the job's command ended with status 1: MemoryError"


def test_an_attempt_that_takes_too_long_is_ended(services: JobServices, folder: Path) -> None:
    limits = CommandLimits(seconds=2.0, grace_seconds=0.2)
    job = done(services, handler_of(services, folder, limits), "wait for ever")
    assert (job.state, job.error_code) == (State.DEAD, "job-command-slow")
    found = pids(folder, job)
    eventually(lambda: not any(is_alive(pid) for pid in found))


@pytest.mark.parametrize("act", ["wait", "wait for ever"])
def test_a_cancelled_job_ends_its_command_and_what_that_started(
    services: JobServices, folder: Path, act: str
) -> None:
    job = submitted(services, act)
    with working(services, handler_of(services, folder)):
        found = pids(folder, job)
        assert all(is_alive(pid) for pid in found)
        assert eventually(lambda: services.store.find(job.id).progress_total) == 2
        services.store.cancel(job.id)
        eventually(lambda: not any(is_alive(pid) for pid in found))


def test_a_worker_that_ends_hands_the_job_back(services: JobServices, folder: Path) -> None:
    job = submitted(services, "wait")
    with working(services, handler_of(services, folder)):
        found = pids(folder, job)
    eventually(lambda: not any(is_alive(pid) for pid in found))
    back = services.store.find(job.id)
    assert (back.state, back.attempts) == (State.QUEUED, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells a command of it")
def test_a_command_does_not_outlive_a_worker_that_was_killed(
    services: JobServices, folder: Path, tmp_path: Path
) -> None:
    job = submitted(services, "wait")
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.commanding", str(tmp_path)], cwd=ROOT
    )
    found: list[int] = []
    try:
        found = pids(folder, job)
        worker.kill()
        eventually(lambda: not is_alive(found[0]))
    finally:
        worker.kill()
        worker.wait()
        for pid in found[1:]:  # what the command itself had started
            os.kill(pid, signal.SIGKILL)


def test_folders_of_ended_jobs_go(services: JobServices, folder: Path) -> None:
    handler = handler_of(services, folder)
    job = done(services, handler, "")
    assert (folder / job.id).is_dir()
    handler.tidy()
    assert not (folder / job.id).exists()


def test_only_packs_that_are_offered_are_taken(services: JobServices, folder: Path) -> None:
    assert handler_of(services, folder).packs() == ["blobs", "blobs@1"]
