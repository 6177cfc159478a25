"""`haversack worker`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from haversack import log
from haversack.app import listening
from haversack.app.options import AppOptions
from haversack.cli.job_locations import job_locations
from haversack.cli.limits import MemoryWish, memory_limits, memory_options
from haversack.cli.options import known_repositories, packs_option
from haversack.cli.output import notes
from haversack.cli.serve import chosen_packs, is_repository
from haversack.database.connection import shown
from haversack.engine.devices import CPU
from haversack.serve.models.model import ServedModel
from haversack.settings import from_environment
from haversack.units import format_seconds


@click.command("worker")
@click.argument("packs", nargs=-1, metavar="[PACK|REPO]...")
@click.option(
    "--database",
    help="Where jobs are kept: postgresql://..., or a file. [default: jobs.sqlite in --state]",
)
@click.option(
    "--blobs",
    help="Where photos of jobs are kept: a folder, or s3://bucket/prefix. "
    "[default: beside the database]",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="The server's state folder, on its machine. [default: $XDG_STATE_HOME/haversack]",
)
@click.option("--threads", type=click.IntRange(1, 1024), help="CPUs. [default: half of them]")
@memory_options
@packs_option
def command(
    packs: tuple[str, ...],
    database: str | None,
    blobs: str | None,
    state: Path | None,
    threads: int | None,
    memory: MemoryWish,
    repositories: tuple[Path, ...],
) -> None:
    """Do the jobs of a server, beside it or on another machine.

    PACK is a folder, a .pack file or name[@version]; REPO is a folder of packs. Without any, jobs
    for every pack of the known repositories are done. Packs that are named must fit into its
    memory. SIGTERM lets the job under way finish; a second one ends the worker at once.
    """
    log.set_up()
    settings = from_environment()
    places = known_repositories(repositories)
    named, wished = chosen_packs(packs, places)
    jobs = job_locations(state, database, blobs)
    where = shown(jobs.database) if jobs.database else str(jobs.state)
    options = AppOptions(
        state=jobs.state,
        packs=named,
        wished=wished,
        repositories=(*(Path(text) for text in packs if is_repository(Path(text))), *places),
        serve=memory_limits(memory, threads, settings),
        jobs=jobs,
        cache=settings.cache_folder,
    )

    def announce(models: Sequence[ServedModel]) -> None:
        click.echo(f"Haversack works on the jobs of {where}")
        for model in models:
            took = format_seconds(model.load_seconds)
            place = "" if model.device == CPU else f" on {model.device}"
            name = f"{model.identity.name}@{model.identity.version}"
            notes().print(f"  {name}  loaded in {took}{place}")
        notes().print("Ctrl-C ends it.")

    listening.work(options, announce)
