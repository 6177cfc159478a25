"""Machine output goes to standard output, everything else to standard error."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any, TextIO, cast

import msgspec
from rich.console import Console


def print_record(record: dict[str, Any]) -> None:
    """One JSON record on a line of its own; seen at once by whoever reads a pipe."""
    sys.stdout.buffer.write(msgspec.json.encode(record) + b"\n")
    sys.stdout.flush()


def console() -> Console:
    """Where people read results: standard output, plain where it is no terminal.

    Without markup: a path or a label may hold brackets.
    """
    return Console(highlight=False, markup=False, soft_wrap=not sys.stdout.isatty())


def notes() -> Console:
    """Where progress and remarks go: standard error, for as long as somebody can read it."""
    file = cast(TextIO, ForgivingStream(sys.stderr))
    return Console(file=file, highlight=False, markup=False, soft_wrap=True)


class ForgivingStream:
    """A text stream whose reader may go away, as a terminal that is closed: work goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """All of it, or nothing where nobody reads."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """As far as that goes."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
