"""`haversack user list`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table

from haversack.cli.options import json_option
from haversack.cli.output import console, notes, print_record
from haversack.cli.user_place import opened, place_options


@click.command("list")
@place_options
@json_option
def command(database: str | None, state: Path | None, as_json: bool) -> None:
    """List who may sign in, what they may do, and in how many browsers they are signed in."""
    with opened(database, state) as accounts:
        records = [
            {
                "name": user.name,
                "scopes": sorted(user.scopes),
                "sessions": user.sessions,
                "seen": moment(user.seen),
                "created": moment(user.created),
            }
            for user in accounts.users.listed()
        ]
    if as_json:
        for record in records:
            print_record(record)
        return
    if not records:
        notes().print("Nobody. `haversack user add NAME` lets somebody sign in.")
        return
    table = Table("name", "may", "sessions", "last seen", "since", box=None)
    for user in records:
        may = " ".join(user["scopes"]) if isinstance(user["scopes"], list) else ""
        seen, created = user["seen"] or "", user["created"] or ""
        table.add_row(str(user["name"]), may, str(user["sessions"]), str(seen), str(created))
    console().print(table)


def moment(seconds: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601, in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
