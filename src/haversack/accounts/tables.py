"""The room's tables: its statements by name, on one database, at that database's time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256

from haversack.database.connection import Database, Row, Value
from haversack.database.migrations import migrate
from haversack.database.named import named_statements

RunNamed = Callable[[str, Mapping[str, Value]], list[Row]]


class Tables:
    """Statements by name; any thread may call.

    Making one brings the database to this schema; raises what `migrate` raises.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._sql = named_statements("haversack.accounts", "sql/accounts.sql")
        migrate(database)

    def now(self) -> float:
        """Seconds since 1970, by the database's clock."""
        return self._clock() + self._database.clock_offset_seconds

    def rows(self, name: str, values: Mapping[str, Value]) -> list[Row]:
        """What one statement gives. What it changed is on the disk when this returns."""
        return self._database.rows(self._sql[name], values, durable=True)

    def query(self, name: str, values: Mapping[str, Value]) -> list[Row]:
        """What one statement gives, where a change may be lost with the machine."""
        return self._database.rows(self._sql[name], values)

    @contextmanager
    def alone(self) -> Iterator[RunNamed]:
        """Several statements that happen together or not at all."""
        with self._database.alone() as run:
            yield lambda name, values: run(self._sql[name], values)


def digest_of(secret: str) -> str:
    """What is kept of a key or of a session's id: nobody can turn it back into the secret.

    A plain sha256 is enough because the secrets are 256 random bits, not words of a person.
    """
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def joined(words: frozenset[str]) -> str:
    """Scopes as they stand in a column."""
    return " ".join(sorted(words))
