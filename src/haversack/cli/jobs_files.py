"""`haversack jobs files`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.cli.jobs_asking import JobsDoor
from haversack.cli.jobs_door import with_door
from haversack.cli.output import console
from haversack.errors import HaversackError
from haversack.formats.replace import replaced_file
from haversack.units import format_bytes


@click.command("files")
@click.argument("job")
@click.argument("names", nargs=-1)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write them to; without it they are only listed.",
)
@with_door
def command(job: str, names: tuple[str, ...], out: Path | None, door: JobsDoor) -> None:
    """List the files that the survey JOB made, or write them, or those NAMES, to a folder."""
    files = {one["name"]: one["bytes"] for one in door.result(job).get("files", [])}
    unknown = [name for name in names if name not in files]
    if unknown:
        raise HaversackError(
            "job-file-missing",
            f"the job has no file {unknown[0][:80]!r}",
            hint=f"It has: {', '.join(files) or 'none; only surveys have files'}.",
        )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    for name in names or files:
        if out is not None:
            with replaced_file(out / name) as target:
                target.writelines(door.pieces(job, name))
        console().print(f"{name}  {format_bytes(files[name])}")
