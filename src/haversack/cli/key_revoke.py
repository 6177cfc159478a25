"""`haversack key revoke`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.cli.output import notes
from haversack.cli.user_place import opened, place_options


@click.command("revoke")
@click.argument("name")
@place_options
def command(name: str, database: str | None, state: Path | None) -> None:
    """Take the key NAME away: within seconds no server takes it any more."""
    with opened(database, state) as accounts:
        accounts.keys.revoke(name)
    notes().print(f"{name} is revoked.")
