"""Kept bytes as a mapping of a file: the system pages them, the process's heap does not grow."""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

_PIECE_BYTES = 256 << 10


@contextlib.contextmanager
def mapped(file: IO[bytes]) -> Iterator[bytes | mmap.mmap]:
    """The whole file for the length of a block; nothing can be mapped of an empty one.

    The file may be deleted meanwhile: what is mapped stays. Raises OSError.
    """
    if not os.fstat(file.fileno()).st_size:
        yield b""
        return
    view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        yield view
    finally:
        # Where a thread still reads it, of a job that was broken off, it goes with that thread.
        with contextlib.suppress(BufferError):
            view.close()


@contextlib.contextmanager
def spooled(pieces: Iterable[bytes], folder: Path | None) -> Iterator[bytes | mmap.mmap]:
    """What comes in pieces, through a file without a name, for the length of a block.

    Args:
        folder: where the file lies; None for the system's own, which may be in memory.

    Raises:
        OSError, and whatever `pieces` raises.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.writelines(pieces)
        file.flush()
        with mapped(file) as view:
            yield view


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    """The file's bytes, a few at a time."""
    while piece := file.read(_PIECE_BYTES):
        yield piece
