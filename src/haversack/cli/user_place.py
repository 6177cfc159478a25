"""Which database's accounts a command means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from haversack.accounts.accounts import Accounts, open_accounts
from haversack.callers import Scope
from haversack.cli.job_locations import job_locations

F = TypeVar("F", bound=Callable[..., Any])


def place_options(function: F) -> F:
    """`--database` and `--state`, as `haversack serve` has them."""
    for option in (
        click.option(
            "--state",
            type=click.Path(path_type=Path, file_okay=False),
            help="The server's folder. [default: $XDG_STATE_HOME/haversack]",
        ),
        click.option(
            "--database",
            help="The server's database, if it is not in its folder: postgresql://... or a file.",
        ),
    ):
        function = option(function)
    return function


def scope_option(*defaults: Scope) -> Callable[[F], F]:
    """`--scope`: what somebody may do; it must be given where there are no defaults."""
    return click.option(
        "--scope",
        "scopes",
        multiple=True,
        type=click.Choice([scope.value for scope in Scope]),
        required=not defaults,
        default=[scope.value for scope in defaults] or None,
        show_default=True,
        help="What is allowed. May be given several times.",
    )


@contextmanager
def opened(database: str | None, state: Path | None) -> Iterator[Accounts]:
    """The accounts, for the length of a block; raises as `open_accounts`."""
    accounts = open_accounts(job_locations(state, database, None).database_url)
    try:
        yield accounts
    finally:
        accounts.close()
