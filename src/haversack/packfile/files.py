"""The two shapes a pack's files come in, a folder and a stored zip, behind one Protocol.

Opening either checks the container only (names, links, kinds, counts) and writes nothing.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from haversack.packfile.paths import check_entry_count, link_error, special_error
from haversack.packfile.zipmembers import read_members


class Files(Protocol):
    """Named files. Safe to use from several threads; every `open` is a handle of its own."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every file, with "/" between parts, sorted."""

    def open(self, name: str) -> BinaryIO:
        """A reader of the file `name`, which the caller closes. Raises PackError, OSError."""

    def path(self, name: str) -> Path | None:
        """Where the file lies on disk by itself, or None."""


class FolderFiles:
    """The files of a folder; links and special files inside it are refused."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.names = tuple(sorted(_walk(root)))

    def open(self, name: str) -> BinaryIO:
        """A reader of the file `name`; a link that took its place since is not followed."""
        descriptor = os.open(self._root / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        return os.fdopen(descriptor, "rb")

    def path(self, name: str) -> Path | None:
        """The file's own path."""
        return self._root / name


class ArchiveFiles:
    """The members of a zip: stored, not encrypted, with safe and distinct names."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        self._members = read_members(archive)
        self.names = tuple(sorted(self._members))

    def open(self, name: str) -> BinaryIO:
        """A reader of the member `name`: a window of the archive, as it is stored."""
        offset, size = self._members[name]
        file = io.FileIO(self._archive)
        file.seek(offset)
        return io.BufferedReader(_Window(file, size))

    def path(self, name: str) -> Path | None:
        """None: a member of a zip has no path."""
        return None


class _Window(io.RawIOBase):
    """The next `size` bytes of a file, which it owns."""

    def __init__(self, file: io.FileIO, size: int) -> None:
        self._file, self._left = file, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _walk(root: Path) -> Iterator[str]:
    """Names of the regular files under `root`, at most ENTRIES_LIMIT entries looked at."""
    waiting, seen = [""], 0
    while waiting:
        under = waiting.pop()
        with os.scandir(root / under) as entries:
            for entry in entries:
                seen += 1
                check_entry_count(seen)
                name = under + entry.name
                if entry.is_symlink():
                    raise link_error(name)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(name + "/")
                elif entry.is_file(follow_symlinks=False):
                    yield name
                else:
                    raise special_error(name)
