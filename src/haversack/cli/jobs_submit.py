"""`haversack jobs submit`."""

from __future__ import annotations

import click

from haversack.cli.inputs import expand
from haversack.cli.jobs_asking import JobsDoor
from haversack.cli.jobs_door import with_door
from haversack.cli.jobs_output import told
from haversack.cli.options import json_option
from haversack.cli.output import console, print_record


@click.command("submit")
@click.argument("pack")
@click.argument("photos", nargs=-1, required=True)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help="The least score of an object; the pack's default otherwise.",
)
@click.option("--map", "with_map", is_flag=True, help="Results hold a label map's pixels.")
@click.option(
    "--priority",
    type=click.IntRange(-100, 100),
    default=0,
    show_default=True,
    help="Higher ones are done first.",
)
@with_door
@json_option
def command(
    pack: str,
    photos: tuple[str, ...],
    threshold: float | None,
    with_map: bool,
    priority: int,
    door: JobsDoor,
    as_json: bool,
) -> None:
    """Send PHOTOS (files, folders or globs) as jobs for PACK: a name, or name@version.

    One id is printed for each photo, when the job is on the server's disk.
    """
    wishes = {
        "threshold": threshold,
        "map": "true" if with_map else None,
        "priority": priority or None,
    }
    for path in expand(photos):
        job = door.submit(pack, path, wishes)
        if as_json:
            print_record(job)
        else:
            console().print(told(job))
