"""SQLite as a `Database`: one file, one machine, write-ahead log."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from haversack.database.connection import Dialect, Row, Run, Value
from haversack.database.mounts import check_local
from haversack.database.unwritable import check_written, explained
from haversack.errors import HaversackError, Kind

_BUSY_SECONDS = 30.0
# What SQLite says of a file that it may not open or write; the folder itself says why.
_UNWRITTEN = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)
_POLL_SECONDS = 0.02  # PRAGMA data_version was measured at 4 us: 0.02 % of one CPU


class SqliteDatabase:
    """One connection, whose statements wait for each other; see `Database` for the promises."""

    dialect = Dialect.SQLITE
    clock_offset_seconds = 0.0

    def __init__(self, path: Path) -> None:
        check_local(path)
        self._path = path
        self._lock = threading.RLock()
        self._base: sqlite3.Connection | None = None

    def rows(
        self, statement: str, values: Mapping[str, Value], *, durable: bool = False
    ) -> list[Row]:
        """One statement in a transaction of its own; with `durable` the log is synced after it."""
        with self._lock, self._guarded():
            base = self._connected()
            if not durable:
                return base.execute(statement, values).fetchall()
            base.execute("PRAGMA synchronous = FULL")
            try:
                return base.execute(statement, values).fetchall()
            finally:
                base.execute("PRAGMA synchronous = NORMAL")

    @contextmanager
    def alone(self) -> Iterator[Run]:
        """BEGIN IMMEDIATE ... COMMIT."""
        with self._lock, self._guarded():
            base = self._connected()
            base.execute("BEGIN IMMEDIATE")

            def run(statement: str, values: Mapping[str, Value]) -> list[Row]:
                return base.execute(statement, values).fetchall()

            try:
                yield run
                base.execute("COMMIT")
            except BaseException:
                if base.in_transaction:
                    base.execute("ROLLBACK")
                raise

    def script(self, run: Run, text: str) -> None:
        """Statement by statement: `executescript` would end the transaction."""
        pending = ""
        for line in text.splitlines(keepends=True):
            pending += line
            if sqlite3.complete_statement(pending):
                run(pending, {})
                pending = ""

    def listener(self) -> SqliteListener:
        """Sees the commits of every other connection, this object's among them."""
        with self._lock, self._guarded():
            self._connected()
            return SqliteListener(self._path)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._base is not None:
                self._base.close()
                self._base = None

    def _connected(self) -> sqlite3.Connection:
        if self._base is None:
            with explained(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
            base = _connect(self._path)
            base.execute("PRAGMA journal_mode = WAL")
            base.execute("PRAGMA synchronous = NORMAL")
            self._base = base
        return self._base

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as fault:
            if getattr(fault, "sqlite_errorcode", 0) & 0xFF in _UNWRITTEN:
                check_written(self._path)
            raise _away(self._path, fault) from fault
        except sqlite3.DatabaseError as fault:
            self.close()
            raise HaversackError(
                "database-damaged",
                f"{self._path} cannot be used as a database: {fault}",
                hint="Put back a copy of the file, or give another --state folder.",
                kind=Kind.INTERNAL,
            ) from fault


class SqliteListener:
    """Polls `PRAGMA data_version`, which rises with every commit of another connection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._base = _connect(path)
        self._seen = -1

    def wait(self, timeout_seconds: float) -> None:
        """Until a commit or the time."""
        end = time.monotonic() + timeout_seconds
        try:
            while True:
                (version,) = self._base.execute("PRAGMA data_version").fetchone()
                left = end - time.monotonic()
                if version != self._seen or left <= 0:
                    self._seen = version
                    return
                time.sleep(min(_POLL_SECONDS, left))
        except sqlite3.OperationalError as fault:
            raise _away(self._path, fault) from fault

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        path, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False
    )


def _away(path: Path, fault: Exception) -> HaversackError:
    return HaversackError(
        "database-away",
        f"the database {path} cannot be used now: {fault}",
        hint="Free space on its disk, or bring it back: what was accepted is kept. Or begin anew "
        "in another folder, with --state.",
        kind=Kind.UNAVAILABLE,
    )
