"""A server or worker whose job never ends: the first signal waits for it, a second one does not."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.server.running import BLOBS, COMMAND, PHOTO, environment

from haversack.app.ending import Ending
from haversack.jobs.intake import wish
from haversack.jobs.job import Job, State
from haversack.jobs.services import JobLocations, JobServices, open_services


def never_read(services: JobServices, folder: Path) -> Job:
    """A job whose photo is opened and never comes, as from a disk that hangs."""
    job = services.intake.submit(wish("blobs", kind="predict"), PHOTO.read_bytes())
    (blob,) = folder.glob(f"blobs/??/{job.input}")
    blob.unlink()
    os.mkfifo(blob)
    return job


@pytest.mark.parametrize("words", [["worker"], ["serve", "--port", "0"]], ids=lambda one: one[0])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_process_at_once_but_not_a_second_hangup(
    tmp_path: Path, words: list[str], second: signal.Signals
) -> None:
    state = tmp_path / "state"
    services = open_services(JobLocations(state=state))
    job = never_read(services, state)
    process = subprocess.Popen(
        [str(word) for word in (COMMAND, *words, "--state", state, BLOBS)],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        end = time.monotonic() + 60
        while services.store.find(job.id).state is not State.RUNNING:
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.05)
        for number in (signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
        process.send_signal(second)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait(10)
        services.store.close()
    assert process.returncode == 130
    assert "by a second signal" in said
    assert "Traceback" not in said


def test_the_first_signal_begins_and_each_but_a_hangup_leaves_then() -> None:
    told: list[object] = []
    ending = Ending(told.append, lambda: told.append("left"))
    for number in (signal.SIGHUP, signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        ending.note(number)
    assert told == [signal.SIGHUP, "left", "left"]
