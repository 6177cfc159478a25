"""`haversack jobs retry`."""

from __future__ import annotations

import click

from haversack.cli.jobs_asking import JobsDoor
from haversack.cli.jobs_door import with_door
from haversack.cli.jobs_output import print_jobs
from haversack.cli.options import json_option


@click.command("retry")
@click.argument("jobs", nargs=-1, required=True)
@with_door
@json_option
def command(
    jobs: tuple[str, ...],
    door: JobsDoor,
    as_json: bool,
) -> None:
    """Try JOBS once more that failed or are dead, as long as their photos are kept."""
    print_jobs([door.retry(job) for job in jobs], as_json=as_json)
