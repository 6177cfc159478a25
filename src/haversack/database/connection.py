"""The promises of a database, and what its URL says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from haversack.errors import HaversackError

Value = str | int | float | None
Row = tuple[Any, ...]
Run = Callable[[str, Mapping[str, Value]], list[Row]]


class Dialect(StrEnum):
    """Whose SQL a statement is written in."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class Listener(Protocol):
    """Waits for changes.

    Promises: belongs to one thread. A change that came between two waits ends the second one at
    once. A wait may end without any change. Notices are lost with the connection, so whoever waits
    also looks by himself now and then.
    """

    def wait(self, timeout_seconds: float) -> None:
        """Return after a change, or after the time. Raises HaversackError `database-away`."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class Database(Protocol):
    """Statements, one after another.

    Promises:
        threads: any thread may call; calls wait for each other.
        whole: a statement happens as a whole or not at all, whatever is killed meanwhile.
        durable: what was run with `durable` is on the disk when the call returns. What was run
            without is there after a kill of this process, and may be lost with the machine.
        away: where the database cannot be reached a call raises `database-away`; the next call
            tries anew. A call that found its connection broken has tried once more by itself, so
            a statement must bear to be run twice.
        values: parameters stand as :name in the statement.
    """

    @property
    def dialect(self) -> Dialect:
        """Which words it understands."""
        ...

    @property
    def clock_offset_seconds(self) -> float:
        """The database's clock less this machine's: leases of several machines need one clock."""
        ...

    def rows(
        self, statement: str, values: Mapping[str, Value], *, durable: bool = False
    ) -> list[Row]:
        """Run one statement, and give what it returns.

        Raises:
            HaversackError: `database-away`, `database-damaged`, `state-unwritable`.
        """
        ...

    def alone(self) -> AbstractContextManager[Run]:
        """One transaction, durable, that no other process's `alone` overlaps."""
        ...

    def script(self, run: Run, text: str) -> None:
        """Run several statements inside `alone`."""
        ...

    def listener(self) -> Listener:
        """Waits for changes by a connection of its own."""
        ...

    def close(self) -> None:
        """Let go of every connection."""
        ...


def sqlite_path(url: str) -> Path:
    """The file of `sqlite:///path` (absolute: four slashes) or of a plain path."""
    path = url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else url
    if not path or "://" in path:
        raise HaversackError(
            "database-url-invalid",
            f"received the database {url!r}; a SQLite file is written as its path",
        )
    return Path(path)


def is_postgresql(url: str) -> bool:
    """Whether several machines could share it."""
    return url.startswith(("postgresql://", "postgres://"))


def shown(url: str) -> str:
    """The URL without its password, for messages."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return url.replace(f":{parts.password}@", ":***@", 1)
