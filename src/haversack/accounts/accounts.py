"""All of a database's accounts, opened together."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from haversack.accounts.keys import Keys
from haversack.accounts.passwords import Passwords
from haversack.accounts.sessions import Sessions
from haversack.accounts.tables import Tables
from haversack.accounts.users import Users
from haversack.database.connection import Database, is_postgresql, sqlite_path
from haversack.database.opening import open_database
from haversack.database.unwritable import explained


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """People, their sessions, and keys, of one database."""

    database: Database
    users: Users
    sessions: Sessions
    keys: Keys

    def any(self) -> bool:
        """Whether there is a user, or a key that holds."""
        return self.users.any() or self.keys.any()

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


def open_accounts(url: str) -> Accounts:
    """The accounts of a database, which is made if need be.

    A SQLite file then is its owner's alone: it holds what is kept of passwords.

    Raises:
        HaversackError: as `open_database` and `migrate`.
    """
    if not is_postgresql(url):
        _make_private(url)
    database = open_database(url)
    tables = Tables(database)
    return Accounts(
        database=database,
        users=Users(tables, Passwords()),
        sessions=Sessions(tables),
        keys=Keys(tables),
    )


def has_accounts(url: str) -> bool:
    """Whether a database has a user or a key; a SQLite file that is not there is not made.

    Raises:
        HaversackError: as `open_accounts`.
    """
    if not is_postgresql(url) and not _is_there(sqlite_path(url)):
        return False
    accounts = open_accounts(url)
    try:
        return accounts.any()
    finally:
        accounts.close()


def _is_there(path: Path) -> bool:
    with explained(path):
        return path.exists()


def _make_private(url: str) -> None:
    path = sqlite_path(url)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    # A server that runs already may have made it, with its log and index beside it.
    for part in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        with contextlib.suppress(FileNotFoundError):
            found = part.stat()
            if os.name == "posix" and found.st_mode & 0o077 and found.st_uid == os.getuid():
                part.chmod(0o600)
