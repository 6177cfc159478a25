"""Machine output goes to standard output, everything else to standard error."""

from __future__ import annotations

import sys
from typing import Any

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
    """Where progress and remarks go: standard error."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
