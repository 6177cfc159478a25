"""Where the inputs of jobs lie: by content hash and job, in a folder or an object store."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import importlib
import mmap
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from haversack.database.mounts import is_on_network
from haversack.errors import HaversackError, Kind
from haversack.jobs.mapping import mapped, pieces_of, spooled
from haversack.permissions import REFUSED

Buffer = bytes | memoryview | mmap.mmap

_PLACE = "place"


class BlobStore(Protocol):
    """Inputs by name.

    Promises:
        threads: any thread and any process may call.
        whole: a blob is there whole or not at all; what `put` returned from is on the disk.
        own: each job has a blob of its own, named by content and job, so that deleting one job's
            input can never take another's.
        checked: what `opened` and `fetch` give has the hash that its name says.
        outside the heap: what `opened` gives is a mapping of a file, so whoever has it open holds
            no memory by that, however large it is.
    """

    def put(self, name: str, data: Buffer) -> None:
        """Keep it. Raises HaversackError `blobs-away`."""
        ...

    def opened(self, name: str) -> AbstractContextManager[Buffer]:
        """The whole for the length of a block, also where it is deleted meanwhile.

        Raises HaversackError `blob-missing`, `blob-damaged`, `blobs-away`.
        """
        ...

    def part(self, name: str, start: int, size: int) -> bytes:
        """Some bytes of it, unchecked. Raises HaversackError `blob-missing`, `blobs-away`."""
        ...

    def fetch(self, name: str, target: Path) -> None:
        """Have it as a file that is only read. Raises HaversackError as `opened`."""
        ...

    def delete(self, name: str) -> None:
        """Nothing happens where it is gone already. Raises HaversackError `blobs-away`."""
        ...

    def older_than(self, seconds: float) -> Iterator[str]:
        """Names of blobs that were put longer ago."""
        ...

    def place(self) -> str:
        """A name of this very store, made at the first call and kept in it."""
        ...


def blob_name(data: Buffer, job_id: str) -> str:
    """64 digits of SHA-256, a dot and the job."""
    return f"{sha256(data).hexdigest()}.{job_id}"


def content_of(name: str) -> str:
    """The part of a blob's name that its content alone decides."""
    return name.partition(".")[0]


def open_blobs(place: str | Path, spool: Path | None = None) -> BlobStore:
    """The store at a folder, `file:///folder` or `s3://bucket/prefix` (also gs://, az://).

    Args:
        spool: folder on a disk of this machine, through which blobs from elsewhere are read; None
            for the system's own place for temporary files.

    Raises:
        HaversackError: `extra-missing` where obstore is not installed; `blobs-away`.
    """
    text = str(place)
    if "://" not in text:
        return FolderBlobs(Path(text), spool)
    if text.startswith("file://"):
        return FolderBlobs(Path(text.removeprefix("file://")), spool)
    try:
        form: Any = importlib.import_module("haversack.jobs.object_blobs")
    except ImportError as fault:
        raise HaversackError(
            "extra-missing",
            f"an object store needs what is not installed: {fault}",
            hint="Install it with: pip install 'haversack[s3]'",
            kind=Kind.UNAVAILABLE,
        ) from fault
    blobs: BlobStore = form.ObjectBlobs(text, spool)
    return blobs


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


def checked(name: str, data: Buffer) -> Buffer:
    """The data, if they are what the name says. Raises `blob-damaged`."""
    check_digest(name, sha256(data).hexdigest())
    return data


def check_digest(name: str, digest: str) -> None:
    """Whether a blob has that digest. Raises `blob-damaged`."""
    if digest != content_of(name):
        raise HaversackError(
            "blob-damaged",
            f"the kept photo {name} is not what was sent: its checksum differs",
            hint="Look at the disk that holds it; send the photo again as a new job.",
            kind=Kind.INTERNAL,
        )


def missing(name: str) -> HaversackError:
    """No blob of that name."""
    return HaversackError(
        "blob-missing",
        f"the kept photo {name} is not where this worker looks",
        hint="Every worker must read the same --state folder or --blobs store.",
        kind=Kind.UNAVAILABLE,
    )


def away(place: str, fault: Exception) -> HaversackError:
    """The store itself cannot be used."""
    return HaversackError(
        "blobs-away",
        f"the photos of jobs at {place} cannot be read or written now: {fault}",
        hint="Give a folder that this user may write: --blobs, or --state where that is left out."
        if isinstance(fault, OSError) and fault.errno in {*REFUSED, errno.EROFS}
        else "Bring the disk or the object store back, or make room; jobs wait meanwhile.",
        kind=Kind.UNAVAILABLE,
    )


def _sync_folder(folder: Path) -> None:
    """Put the new name itself on the disk, where the system can."""
    if os.name != "posix":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
