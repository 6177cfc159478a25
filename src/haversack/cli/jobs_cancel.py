"""`haversack jobs cancel`."""

from __future__ import annotations

import click

from haversack.cli.jobs_asking import JobsDoor
from haversack.cli.jobs_door import with_door
from haversack.cli.jobs_output import print_jobs
from haversack.cli.options import json_option


@click.command("cancel")
@click.argument("jobs", nargs=-1, required=True)
@with_door
@json_option
def command(
    jobs: tuple[str, ...],
    door: JobsDoor,
    as_json: bool,
) -> None:
    """Cancel JOBS, queued or running: their results are not taken any more."""
    print_jobs([door.cancel(job) for job in jobs], as_json=as_json)
