"""Which database a URL leads to."""

from __future__ import annotations

from urllib.parse import urlsplit

from haversack.database.connection import Database, shown, sqlite_path
from haversack.database.postgresql import PostgresqlDatabase
from haversack.database.sqlite import SqliteDatabase
from haversack.errors import HaversackError


def open_database(url: str) -> Database:
    """The database at `postgresql://...`, `sqlite:///path` or a file's path.

    Nothing is read from it yet: `migrations.migrate` is the first to do so.

    Raises:
        HaversackError: `database-url-invalid`, `database-on-network`; `extra-missing` where
            psycopg is not installed.
    """
    scheme = urlsplit(url).scheme.lower() if "://" in url else ""
    if scheme in ("postgresql", "postgres"):
        return PostgresqlDatabase(url)
    if scheme in ("", "sqlite"):
        return SqliteDatabase(sqlite_path(url))
    raise HaversackError(
        "database-url-invalid",
        f"received the database {shown(url)!r}; allowed are postgresql://... and the path of a "
        "SQLite file",
    )
