"""`haversack jobs show`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.cli.jobs_door import door_options, open_door
from haversack.cli.jobs_output import print_jobs
from haversack.cli.options import json_option
from haversack.cli.output import print_record


@click.command("show")
@click.argument("job")
@click.option("--result", is_flag=True, help="The result instead, as one JSON record.")
@door_options
@json_option
def command(
    job: str,
    result: bool,
    server: str | None,
    database: str | None,
    blobs: str | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Say how far JOB is, or show its result."""
    door = open_door(server, database, blobs, state)
    if result:
        print_record(door.result(job))
    else:
        print_jobs([door.show(job)], as_json=as_json)
