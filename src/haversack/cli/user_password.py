"""`haversack user password`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.cli.output import notes
from haversack.cli.user_password_input import read_password, stdin_option
from haversack.cli.user_place import opened, place_options


@click.command("password")
@click.argument("name")
@stdin_option
@place_options
def command(name: str, from_stdin: bool, database: str | None, state: Path | None) -> None:
    """Set another password for NAME, and sign them out everywhere."""
    with opened(database, state) as accounts:
        accounts.users.change_password(name, read_password(name, from_stdin=from_stdin))
    notes().print(f"{name} has another password.")
