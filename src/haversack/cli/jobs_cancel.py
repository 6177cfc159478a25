"""`haversack jobs cancel`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.cli.jobs_door import door_options, open_door
from haversack.cli.jobs_output import print_jobs
from haversack.cli.options import json_option


@click.command("cancel")
@click.argument("jobs", nargs=-1, required=True)
@door_options
@json_option
def command(
    jobs: tuple[str, ...],
    server: str | None,
    database: str | None,
    blobs: str | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Cancel JOBS, queued or running: their results are not taken any more."""
    door = open_door(server, database, blobs, state)
    print_jobs([door.cancel(job) for job in jobs], as_json=as_json)
