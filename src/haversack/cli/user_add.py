"""`haversack user add`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.callers import Scope
from haversack.cli.output import notes
from haversack.cli.user_password_input import read_password, stdin_option
from haversack.cli.user_place import opened, place_options, scope_option


@click.command("add")
@click.argument("name")
@scope_option(Scope.INFER, Scope.JOBS)
@stdin_option
@place_options
def command(
    name: str,
    scopes: tuple[str, ...],
    from_stdin: bool,
    database: str | None,
    state: Path | None,
) -> None:
    """Let NAME sign in. The password is asked for, 10 letters or more."""
    with opened(database, state) as accounts:
        is_first = not accounts.any()
        password = read_password(name, from_stdin=from_stdin)
        accounts.users.add(name, password, frozenset(scopes))
    screen = notes()
    screen.print(f"{name} may sign in.")
    if is_first:
        screen.print(
            "This is the first account: from its next start on, the server asks everyone to sign "
            "in. One that runs already without --accounts stays open until then."
        )
