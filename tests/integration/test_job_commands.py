"""Jobs that a command does: what it may tell, how it ends, and that nothing of it stays."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.commanding import MODULE, ROOT, handler_of, opened, submitted, working

from haversack.errors import Kind
from haversack.jobs.command.handler import CommandHandler
from haversack.jobs.command.notes import MOST_LINES
from haversack.jobs.command.process import Command, CommandLimits, run_command
from haversack.jobs.command.words import CommandTask
from haversack.jobs.files import Role
from haversack.jobs.job import Job, State
from haversack.jobs.services import JobServices


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


def at_work(folder: Path) -> list[int]:
    """The processes whose working folder it is; [] where the system does not say."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if (process / "cwd").readlink() == folder:
                found.append(int(process.name))
    return found


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


def notes(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the worker's log has of commands, without the job's id."""
    return [text.partition(": ")[2] for text in caplog.messages if text.startswith("job ")]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "haversack.jobs")
    return caplog


def test_what_libraries_print_is_no_result_but_in_the_log(
    services: JobServices, folder: Path, log: pytest.LogCaptureFixture
) -> None:
    assert done(services, handler_of(services, folder), "print").state is State.DONE
    said = notes(log)
    assert "a library greets" in said
    assert "x" * 400 in said
    assert '{"type":"fault","code":"a-b","message":"no"}' in said


def test_output_without_end_does_not_fill_the_log(
    services: JobServices, folder: Path, log: pytest.LogCaptureFixture
) -> None:
    job = done(services, handler_of(services, folder), "flood")
    assert job.error_message == "the job's command ended with status 1: the last words"
    said = notes(log)
    assert said.count("y") < 2 * MOST_LINES
    assert "the last words" in said
    (more,) = [text for text in said if text.startswith("... and ")]
    assert int(more.split()[2].replace(",", "")) + said.count("y") == 500_000


def test_a_command_has_a_folder_of_its_own_and_nothing_secret(
    services: JobServices, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAVERSACK_DATABASE", "postgresql://me:word@here/jobs")
    monkeypatch.setenv("HAVERSACK_KEY", "hk_1")
    monkeypatch.setenv("SOME_CLOUD_SECRET_ACCESS_KEY", "word")
    monkeypatch.setenv("SOME_TOOLS_SETTING", "kept")
    job = done(services, handler_of(services, folder), "place")
    work = folder / job.id / "work"
    working_folder, searched, variables = json.loads((work / "place.json").read_text())
    assert Path(working_folder) == work
    assert not {"", ".", str(work)}.intersection(searched)
    assert variables["SOME_TOOLS_SETTING"] == "kept"
    secret = {"HAVERSACK_DATABASE", "HAVERSACK_KEY", "SOME_CLOUD_SECRET_ACCESS_KEY"}
    assert not secret.intersection(variables)


def test_a_command_finds_its_folders_where_the_state_folder_was_given_as_a_relative_path(
    services: JobServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert done(services, handler_of(services, Path("near")), "").state is State.DONE


@pytest.mark.parametrize("act", ["crash later", "hang later"])
def test_a_result_counts_however_the_process_ends_after_it(
    services: JobServices, folder: Path, log: pytest.LogCaptureFixture, act: str
) -> None:
    limits = CommandLimits(seconds=3.0 if act == "hang later" else None, grace_seconds=0.3)
    job = done(services, handler_of(services, folder, limits), act)
    assert (job.state, job.error_message) == (State.DONE, "")
    assert any(text.startswith("its result is taken, though the job") for text in notes(log))


@pytest.mark.parametrize(
    ("kind", "state", "attempts"),
    [
        (Kind.TOO_LARGE, State.FAILED, 1),
        (Kind.UNSUPPORTED, State.FAILED, 1),
        (Kind.NOT_FOUND, State.DEAD, 2),
        (Kind.DEADLINE, State.DEAD, 2),
        (Kind.UNAVAILABLE, State.DEAD, 2),
    ],
)
def test_an_error_of_a_command_is_what_it_would_be_in_the_worker(
    services: JobServices, folder: Path, kind: Kind, state: State, attempts: int
) -> None:
    job = done(services, handler_of(services, folder), kind.value, attempts=2)
    assert (job.state, job.attempts, job.error_code) == (state, attempts, "labels-away")


def test_a_kind_of_error_that_nobody_knows_is_our_own_mistake(
    services: JobServices, folder: Path
) -> None:
    handler = handler_of(services, folder, words=(MODULE, "stranger"))
    job = done(services, handler, "", attempts=2)
    assert (job.state, job.attempts, job.error_code) == (State.DEAD, 2, "a-b")


def test_a_command_that_cannot_be_listened_to_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left() -> selectors.BaseSelector:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(selectors, "DefaultSelector", none_left)
    place = str(tmp_path)
    asked = CommandTask(
        job="1",
        kind="bytes",
        attempt=1,
        pack="blobs",
        pack_path=place,
        options={"act": "wait"},
        photos=place,
        work=place,
        out=place,
    )
    command = Command(words=(MODULE,), variables={"PYTHONPATH": str(ROOT)})
    with pytest.raises(OSError, match="Too many open files"):
        run_command(command, asked, lambda told: None, threading.Event())
    assert at_work(tmp_path) == []


def test_lines_that_mean_nothing_are_passed_over(services: JobServices, folder: Path) -> None:
    job = done(services, handler_of(services, folder, words=(MODULE, "chatter")), "")
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
def test_nothing_of_a_command_outlives_a_worker_that_was_killed(
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
        eventually(lambda: not any(is_alive(pid) for pid in found))
    finally:
        worker.kill()
        worker.wait()
        for pid in filter(is_alive, found):
            os.kill(pid, signal.SIGKILL)


def test_a_job_that_is_cancelled_while_its_command_starts_leaves_nothing(
    services: JobServices, folder: Path
) -> None:
    job = submitted(services, "wait")
    with working(services, handler_of(services, folder)):
        eventually((folder / job.id / "out").exists)
        services.store.cancel(job.id)
        eventually(lambda: not at_work(folder / job.id / "work"))
    assert ended(services, job).state is State.CANCELLED
    assert at_work(folder / job.id / "work") == []


def test_folders_of_ended_jobs_go(services: JobServices, folder: Path) -> None:
    handler = handler_of(services, folder)
    job = done(services, handler, "")
    assert (folder / job.id).is_dir()
    handler.tidy()
    assert not (folder / job.id).exists()


def test_only_packs_that_are_offered_are_taken(services: JobServices, folder: Path) -> None:
    assert handler_of(services, folder).packs() == ["blobs", "blobs@1"]
