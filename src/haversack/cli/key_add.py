"""`haversack key add`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.callers import Scope
from haversack.cli.options import json_option
from haversack.cli.output import notes, print_record
from haversack.cli.user_place import opened, place_options, scope_option


@click.command("add")
@click.argument("name")
@click.option("--owner", default="", help="The user whose key it is: it sees that user's jobs.")
@scope_option(Scope.INFER)
@place_options
@json_option
def command(
    name: str,
    owner: str,
    scopes: tuple[str, ...],
    database: str | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Make an API key called NAME. It is shown now and never again."""
    with opened(database, state) as accounts:
        secret = accounts.keys.add(name, frozenset(scopes), owner)
    if as_json:
        print_record({"name": name, "owner": owner, "scopes": sorted(scopes), "key": secret})
        return
    click.echo(secret)
    notes().print("Keep it now: it is not shown again.")
