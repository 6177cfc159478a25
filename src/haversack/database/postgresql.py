"""PostgreSQL as a `Database`: several machines, row locks, notices."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, LiteralString

from haversack import late
from haversack.database.connection import Dialect, Row, Run, Value, shown
from haversack.errors import HaversackError, Kind

CHANNEL = "haversack_job"
"""Where the database tells of work that waits."""

_PARAMETER = re.compile(r"(?<![:\w]):(?=[a-z])(\w+)")
_ALONE_LOCK = 4_847_231_905  # any number, the same in every Haversack
_CONNECT_SECONDS = 5
# A cut line is noticed after about 15 s, not after the system's two hours.
_LIVELINESS: dict[str, Any] = {
    "connect_timeout": _CONNECT_SECONDS,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}


class _Line:
    """One connection, made when it is needed and again when it broke."""

    def __init__(self, url: str, *, is_durable: bool) -> None:
        self._url = url
        self._options = f"-c synchronous_commit={'on' if is_durable else 'off'}"
        self._lock = threading.RLock()
        self._base: late.psycopg.Connection[Row] | None = None
        self.clock_offset_seconds = 0.0

    def rows(self, statement: str, values: Mapping[str, Value]) -> list[Row]:
        """Once, and once more by a new connection where the old one turns out broken."""
        with self._lock:
            was_open = self._base is not None
            try:
                return self._rows(statement, values)
            except late.psycopg.OperationalError as fault:
                self.close()
                if not was_open:
                    raise _away(self._url, fault) from fault
            try:
                return self._rows(statement, values)
            except late.psycopg.OperationalError as fault:
                self.close()
                raise _away(self._url, fault) from fault

    @contextmanager
    def alone(self) -> Iterator[Run]:
        """A transaction under an advisory lock."""
        with self._lock:
            try:
                with self.connected().transaction():
                    self._rows("SELECT pg_advisory_xact_lock(:key)", {"key": _ALONE_LOCK})
                    yield self._rows
            except late.psycopg.OperationalError as fault:
                self.close()
                raise _away(self._url, fault) from fault

    def connected(self) -> late.psycopg.Connection[Row]:
        """The connection; raises psycopg.OperationalError."""
        if self._base is None or self._base.closed:
            # autocommit: a statement is a transaction.
            self._base = late.psycopg.connect(
                self._url, autocommit=True, options=self._options, **_LIVELINESS
            )
            asked = time.time()
            found = self._base.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
            row = found.fetchone()
            assert row is not None
            self.clock_offset_seconds = row[0] - (asked + time.time()) / 2
        return self._base

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            if self._base is not None:
                self._base.close()
                self._base = None

    def _rows(self, statement: str, values: Mapping[str, Value]) -> list[Row]:
        cursor = self.connected().execute(_translated(statement), values or None)
        return cursor.fetchall() if cursor.description is not None else []


class PostgresqlDatabase:
    """Two connections: one whose commits wait for the disk, and one whose do not."""

    dialect = Dialect.POSTGRESQL

    def __init__(self, url: str) -> None:
        late.require("psycopg", "postgres", "a PostgreSQL database")
        self._url = url
        self._durable = _Line(url, is_durable=True)
        self._quick = _Line(url, is_durable=False)

    @property
    def clock_offset_seconds(self) -> float:
        """As of the last connecting."""
        return self._quick.clock_offset_seconds or self._durable.clock_offset_seconds

    def rows(
        self, statement: str, values: Mapping[str, Value], *, durable: bool = False
    ) -> list[Row]:
        """One statement by the line of its kind."""
        return (self._durable if durable else self._quick).rows(statement, values)

    @contextmanager
    def alone(self) -> Iterator[Run]:
        """A transaction under an advisory lock."""
        with self._durable.alone() as run:
            yield run

    def script(self, run: Run, text: str) -> None:
        """Without parameters several statements go at once."""
        run(text, {})

    def listener(self) -> PostgresqlListener:
        """LISTEN by a connection of its own."""
        return PostgresqlListener(self._url)

    def close(self) -> None:
        """Let go of both."""
        self._durable.close()
        self._quick.close()


class PostgresqlListener:
    """Woken by NOTIFY; 0.26 ms after the commit, measured on one machine."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._line = _Line(url, is_durable=False)
        self._listens: late.psycopg.Connection[Row] | None = None

    def wait(self, timeout_seconds: float) -> None:
        """Until a notice or the time; a new connection returns at once, for what was missed."""
        try:
            base = self._line.connected()
            if base is not self._listens:
                base.execute(f"LISTEN {CHANNEL}")
                self._listens = base
                return
            for _ in base.notifies(timeout=timeout_seconds, stop_after=1):
                pass
        except late.psycopg.OperationalError as fault:
            self.close()
            raise _away(self._url, fault) from fault

    def close(self) -> None:
        """Let go of the connection."""
        self._listens = None
        self._line.close()


@cache
def _translated(statement: str) -> LiteralString:
    """:name as psycopg has it; a statement is ours, never a stranger's."""
    text: LiteralString = _PARAMETER.sub(r"%(\1)s", statement.replace("%", "%%"))
    return text


def _away(url: str, fault: Exception) -> HaversackError:
    reason = (str(fault).strip() or "no reason given").splitlines()[0]
    return HaversackError(
        "database-away",
        f"the database {shown(url)} cannot be reached: {reason}",
        hint="Start it, or correct --database; workers wait and go on by themselves.",
        kind=Kind.UNAVAILABLE,
    )
