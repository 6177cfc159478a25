"""`haversack jobs show`."""

from __future__ import annotations

import click

from haversack.cli.jobs_asking import JobsDoor
from haversack.cli.jobs_door import with_door
from haversack.cli.jobs_output import print_jobs
from haversack.cli.options import json_option
from haversack.cli.output import print_record


@click.command("show")
@click.argument("job")
@click.option("--result", is_flag=True, help="The result instead, as one JSON record.")
@with_door
@json_option
def command(
    job: str,
    result: bool,
    door: JobsDoor,
    as_json: bool,
) -> None:
    """Say how far JOB is, or show its result."""
    if result:
        print_record(door.result(job))
    else:
        print_jobs([door.show(job)], as_json=as_json)
