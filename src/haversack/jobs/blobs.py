"""The promises of a store of jobs' inputs, which are named by content hash and job."""

from __future__ import annotations

import errno
import mmap
from collections.abc import Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from haversack.errors import HaversackError, Kind
from haversack.permissions import REFUSED

Buffer = bytes | memoryview | mmap.mmap


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
