"""Numbered migrations: a database is brought to this Haversack's schema, or refused."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from haversack.database.connection import Database, Dialect
from haversack.errors import HaversackError, Kind

_FILE = re.compile(r"(\d{4})_\w+(?:\.(sqlite|postgresql))?\.sql")


def migrate(database: Database) -> None:
    """Run what this database has not seen, in order, each whole; several processes may call.

    Raises:
        HaversackError: `database-newer` where a newer Haversack has been here;
            `database-away`.
    """
    newest = max(number for number, _ in migrations(database.dialect))
    with database.alone() as run:
        run("CREATE TABLE IF NOT EXISTS haversack_schema (version INTEGER NOT NULL)", {})
        found = run("SELECT max(version) FROM haversack_schema", {})[0][0] or 0
        if found > newest:
            raise HaversackError(
                "database-newer",
                f"the database has schema {found}; this Haversack knows {newest} at most",
                hint="Upgrade Haversack here too, or use another database.",
                kind=Kind.CONFLICT,
            )
        for number, text in migrations(database.dialect):
            if number > found:
                database.script(run, text)
                run("INSERT INTO haversack_schema (version) VALUES (:version)", {"version": number})


@cache
def migrations(dialect: Dialect) -> tuple[tuple[int, str], ...]:
    """Number and text of every migration for that dialect, in order."""
    found = []
    for file in resources.files("haversack.database").joinpath("migrations").iterdir():
        match = _FILE.fullmatch(file.name)
        if match is not None and match[2] in (None, dialect.value):
            found.append((int(match[1]), file.read_text(encoding="utf-8")))
    return tuple(sorted(found))
