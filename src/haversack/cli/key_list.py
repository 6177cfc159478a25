"""`haversack key list`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from haversack.accounts.keys import ApiKey
from haversack.cli.options import json_option
from haversack.cli.output import console, notes, print_record
from haversack.cli.user_list import moment
from haversack.cli.user_place import opened, place_options


@click.command("list")
@click.option("--all", "with_revoked", is_flag=True, help="Also those that were revoked.")
@place_options
@json_option
def command(with_revoked: bool, database: str | None, state: Path | None, as_json: bool) -> None:
    """List the API keys: what they are good for, and when they were last used, to the hour."""
    with opened(database, state) as accounts:
        keys = [key for key in accounts.keys.listed() if with_revoked or key.revoked is None]
    if as_json:
        for key in keys:
            print_record(_record(key))
        return
    if not keys:
        notes().print("No keys. `haversack key add NAME` makes one.")
        return
    table = Table("name", "owner", "good for", "last used", "since", "revoked", box=None)
    for key in keys:
        times = [moment(seconds) or "" for seconds in (key.used, key.created, key.revoked)]
        table.add_row(key.name, key.owner, " ".join(sorted(key.scopes)), *times)
    console().print(table)


def _record(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "owner": key.owner,
        "scopes": sorted(key.scopes),
        "used": moment(key.used),
        "created": moment(key.created),
        "revoked": moment(key.revoked),
    }
