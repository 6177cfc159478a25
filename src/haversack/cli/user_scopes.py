"""`haversack user scopes`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.cli.output import notes
from haversack.cli.user_place import opened, place_options, scope_option


@click.command("scopes")
@click.argument("name")
@scope_option()
@place_options
def command(name: str, scopes: tuple[str, ...], database: str | None, state: Path | None) -> None:
    """Let NAME do what the scopes say, and nothing else: within seconds, without a new sign-in."""
    with opened(database, state) as accounts:
        accounts.users.change_scopes(name, frozenset(scopes))
    notes().print(f"{name} may {', '.join(sorted(set(scopes)))}.")
