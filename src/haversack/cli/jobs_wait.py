"""`haversack jobs wait`."""

from __future__ import annotations

import time
from typing import Any

import click

from haversack.cli.exits import DONE, FAILED, SOME_FAILED
from haversack.cli.jobs_asking import JobsDoor
from haversack.cli.jobs_door import with_door
from haversack.cli.jobs_output import told
from haversack.cli.output import notes, print_record
from haversack.errors import HaversackError, Kind
from haversack.jobs.job import State

_CHECK_SECONDS = 0.25
_LONGEST_LOOK_SECONDS = 2.0


@click.command("wait")
@click.argument("jobs", nargs=-1, required=True)
@click.option(
    "--timeout", type=click.FloatRange(0), help="Seconds to wait at most. [default: no limit]"
)
@with_door
def command(
    jobs: tuple[str, ...],
    timeout: float | None,
    door: JobsDoor,
) -> int:
    """Wait until JOBS have ended, and print each one's record when it is done.

    A server or database that is away meanwhile is waited for.
    """
    end = None if timeout is None else time.monotonic() + timeout
    failed = 0
    for job_id in jobs:
        job = _ended(door, job_id, end)
        if job["state"] == State.DONE:
            print_record(door.result(job_id))
        else:
            failed += 1
            notes().print(told(job))
    return DONE if not failed else FAILED if failed == len(jobs) else SOME_FAILED


def _ended(door: JobsDoor, job_id: str, end: float | None) -> dict[str, Any]:
    pause = _CHECK_SECONDS
    while True:
        try:
            job = door.show(job_id)
        except HaversackError as error:
            if error.kind not in (Kind.DEADLINE, Kind.UNAVAILABLE):
                raise
        else:
            if State(job["state"]).is_terminal:
                return job
        if end is not None and time.monotonic() >= end:
            raise HaversackError(
                "jobs-not-ended",
                f"the job {job_id} has not ended in the given time",
                hint="It goes on; give the same command again.",
                kind=Kind.UNAVAILABLE,
            )
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_LOOK_SECONDS)
