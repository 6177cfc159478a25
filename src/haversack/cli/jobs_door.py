"""Who answers commands about jobs: a running server, or its routes over the database itself."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from haversack.app.kinds import KINDS
from haversack.cli.job_locations import job_locations
from haversack.cli.jobs_asking import Answerer, JobsDoor
from haversack.cli.jobs_http import ServerAnswerer
from haversack.cli.jobs_own import OwnAnswerer
from haversack.jobs.intake import IntakeLimits
from haversack.jobs.services import open_services
from haversack.settings import from_environment
from haversack.survey.run.suffixes import SUFFIXES


def with_door(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--server`, `--database`, `--blobs` and `--state`, as one argument `door`."""

    @functools.wraps(function)
    def through(
        *words: Any,
        server: str | None,
        database: str | None,
        blobs: str | None,
        state: Path | None,
        **values: Any,
    ) -> Any:
        with closing(_opened(server, database, blobs, state)) as answerer:
            return function(*words, door=JobsDoor(answerer), **values)

    for option in (
        click.option(
            "--state",
            type=click.Path(path_type=Path, file_okay=False),
            help="The server's state folder. [default: $XDG_STATE_HOME/haversack]",
        ),
        click.option("--blobs", help="Where the server keeps photos, if not beside its database."),
        click.option("--database", help="The server's database: a URL or a file's path."),
        click.option("--server", help="Ask a running server, as http://127.0.0.1:8000."),
    ):
        through = option(through)
    return through


def _opened(
    server: str | None, database: str | None, blobs: str | None, state: Path | None
) -> Answerer:
    """The server where one is named, else its routes over the database itself."""
    if server is not None:
        if database or blobs or state:
            raise click.UsageError("--server goes with none of --database, --blobs and --state.")
        return ServerAnswerer(server, from_environment().api_key)
    locations = job_locations(state, database, blobs)
    limits = IntakeLimits(suffixes=SUFFIXES)
    return OwnAnswerer(open_services(locations, limits, kinds=KINDS))
