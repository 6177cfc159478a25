"""`haversack jobs list`."""

from __future__ import annotations

import click

from haversack.app.kinds import KINDS
from haversack.cli.jobs_asking import JobsDoor
from haversack.cli.jobs_door import with_door
from haversack.cli.jobs_output import print_jobs
from haversack.cli.options import json_option
from haversack.jobs.job import State


@click.command("list")
@click.option(
    "--job-state",
    type=click.Choice([state.value for state in State]),
    help="Only jobs in that state.",
)
@click.option("--kind", type=click.Choice(KINDS.names), help="Only such jobs.")
@click.option("--pack", help="Only jobs for that pack.")
@click.option("--after", help="Only jobs before the one with that id.")
@click.option(
    "--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many."
)
@with_door
@json_option
def command(
    job_state: str | None,
    kind: str | None,
    pack: str | None,
    after: str | None,
    limit: int,
    door: JobsDoor,
    as_json: bool,
) -> None:
    """List jobs, the newest first."""
    chosen = {"state": job_state, "kind": kind, "pack": pack, "after": after, "limit": limit}
    print_jobs(door.listed(chosen), as_json=as_json)
