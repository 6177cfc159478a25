"""`haversack user remove`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.cli.output import notes
from haversack.cli.user_place import opened, place_options


@click.command("remove")
@click.argument("name")
@place_options
def command(name: str, database: str | None, state: Path | None) -> None:
    """Take NAME away: sessions end and keys are revoked, within seconds; jobs stay."""
    with opened(database, state) as accounts:
        accounts.users.remove(name)
    notes().print(f"{name} is removed.")
