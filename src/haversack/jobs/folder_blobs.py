"""The inputs of jobs in a folder."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from haversack.database.mounts import is_on_network
from haversack.jobs.blobs import Buffer, away, check_digest, checked, missing
from haversack.jobs.mapping import mapped, pieces_of, spooled

_PLACE = "place"


class FolderBlobs:
    """Files in a folder, 256 folders deep; see `BlobStore` for the promises."""

    def __init__(
        self, folder: Path, spool: Path | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._spool = spool
        self._clock = clock

    def put(self, name: str, data: Buffer) -> None:
        """Written beside, synced, renamed; then the folder is synced."""
        target = self._path(name)
        # The same photo may be sent twice at once.
        beside = target.with_name(f".{name}.{secrets.token_hex(4)}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
            _sync_folder(target.parent)
        except OSError as fault:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise away(str(self._folder), fault) from fault

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[Buffer]:
        """The file itself, mapped; from another machine's disk through a file on this one."""
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(self._path(name).open("rb"))
                data = stack.enter_context(
                    spooled(pieces_of(file), self._spool) if self._is_far else mapped(file)
                )
            except FileNotFoundError as fault:
                raise missing(name) from fault
            except OSError as fault:
                raise away(str(self._folder), fault) from fault
            yield checked(name, data)

    @functools.cached_property
    def _is_far(self) -> bool:
        """A mapping of a file that another machine deletes would end this process (SIGBUS)."""
        return is_on_network(self._folder)

    def part(self, name: str, start: int, size: int) -> bytes:
        """Read from the file."""
        try:
            with self._path(name).open("rb") as file:
                file.seek(start)
                return file.read(size)
        except FileNotFoundError as fault:
            raise missing(name) from fault
        except OSError as fault:
            raise away(str(self._folder), fault) from fault

    def fetch(self, name: str, target: Path) -> None:
        """A second name of the same file, or a copy where that cannot be."""
        source = self._path(name)
        try:
            with source.open("rb") as file:
                check_digest(name, hashlib.file_digest(file, "sha256").hexdigest())
            with contextlib.suppress(FileExistsError):
                try:
                    os.link(source, target)
                except FileExistsError:
                    raise
                except OSError:  # another disk, or one without links
                    beside = target.with_name(f".{target.name}.part")
                    shutil.copyfile(source, beside)
                    beside.replace(target)
        except FileNotFoundError as fault:
            raise missing(name) from fault
        except OSError as fault:
            raise away(str(self._folder), fault) from fault

    def delete(self, name: str) -> None:
        """Gone."""
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as fault:
            raise away(str(self._folder), fault) from fault

    def older_than(self, seconds: float) -> Iterator[str]:
        """By the files' times; halves of a killed `put` are among them."""
        before = self._clock() - seconds
        for path in self._folder.glob("??/*"):
            try:
                if path.stat().st_mtime < before:
                    yield path.name
            except FileNotFoundError:
                continue

    def place(self) -> str:
        """Kept in the file `place`."""
        path = self._folder / _PLACE
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{_PLACE}.{secrets.token_hex(4)}")
            beside.write_text(secrets.token_hex(16))
            try:
                os.link(beside, path)
            except FileExistsError:
                pass
            finally:
                beside.unlink()
            return path.read_text()
        except OSError as fault:
            raise away(str(self._folder), fault) from fault

    def _path(self, name: str) -> Path:
        # Halves of a killed put begin with a dot.
        return self._folder / name.lstrip(".")[:2] / name


def _sync_folder(folder: Path) -> None:
    """Put the new name itself on the disk, where the system can."""
    if os.name != "posix":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
