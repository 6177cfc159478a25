"""Request bodies: counted while they arrive, and put on disk where memory for them runs out."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import tempfile
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from starlette.requests import Request
from starlette.types import Message

from haversack.asgi.body_rates import BodyRate, Incoming
from haversack.asgi.codings import Inflate, unpacker
from haversack.asgi.time_slices import TimeSlice, steps
from haversack.errors import HaversackError, Kind, RetryLaterError
from haversack.units import format_bytes

_PIECE_BYTES = 256 << 10
_FULL_RETRY_SECONDS = 30
# Pieces that came become one for who reads them, and for that moment the body is there twice.
_MOST_IN_MEMORY_BYTES = 4 << 20
_CHECK_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class BodyLimit:
    """How much one body may hold.

    Attributes:
        limit_bytes: unpacked, if it was compressed.
        option: that raises the limit, to be named in the refusal.
        code: of the refusal.
    """

    limit_bytes: int
    option: str = "--body-limit"
    code: str = "body-too-large"

    def check(self, size_bytes: int) -> None:
        """Raises HaversackError with `code` where there is more."""
        if size_bytes > self.limit_bytes:
            raise HaversackError(
                self.code,
                f"the request's body holds {format_bytes(size_bytes)} or more; the limit is "
                f"{format_bytes(self.limit_bytes)}",
                hint=f"Send less at once, or start the server with a larger {self.option}.",
                kind=Kind.TOO_LARGE,
            )


class _Spool:
    """A file without a name, gone when it is closed. Any thread may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._is_closed = False
        self.file: BinaryIO | None = None

    def write(self, pieces: Sequence[bytes]) -> None:
        """Put them behind the others; nothing any more where it is closed."""
        with self._lock:
            if self._is_closed:
                return
            if self.file is None:
                self.file = _new_file(self._folder)
            self.file.writelines(pieces)
            self.file.flush()

    def close(self) -> None:
        """Let go of it. May be called twice."""
        with self._lock:
            self._is_closed = True
            if self.file is not None:
                self.file.close()


def _new_file(folder: Path) -> BinaryIO:
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder)


class Body:
    """What has arrived of one body: in memory, or in a file without a name.

    Attributes:
        store: that counts it.
        size_bytes: so far.
    """

    def __init__(self, store: BodyStore) -> None:
        self.store = store
        self._retainers = 0
        self._is_closed = False
        self.size_bytes = 0
        self._pieces: list[bytes] = []
        self._unwritten: list[bytes] = []
        self._spool: _Spool | None = None
        self._disk_bytes = 0

    def append(self, piece: bytes) -> None:
        """Keep one more piece. `settle` comes before anything else but another one."""
        self.size_bytes += len(piece)
        in_memory = self._spool is None and not self._unwritten
        is_small = self.size_bytes <= _MOST_IN_MEMORY_BYTES
        if in_memory and is_small and self.store.take(len(piece)):
            self._pieces.append(piece)
        else:
            self._unwritten.append(piece)

    async def settle(self) -> None:
        """Write what found no room in memory. Raises RetryLaterError `spool-full`."""
        if not self._unwritten:
            return
        pieces, self._unwritten = self._pieces + self._unwritten, []
        size = sum(map(len, pieces))
        self.store.take_disk(size)
        self._disk_bytes += size
        self._spool = self._spool or self.store.new_spool()
        try:
            await self.store.write(partial(self._spool.write, pieces))
        except OSError as fault:
            raise RetryLaterError(
                f"the server's folder for waiting uploads cannot be written: {fault.strerror}",
                retry_after_seconds=_FULL_RETRY_SECONDS,
                hint="Try again in a minute; its owner should make room in the --state folder.",
                code="spool-full",
            ) from fault
        self._give_back()

    def view(self) -> bytes | mmap.mmap:
        """The whole without a copy: the bytes themselves, or the file mapped for reading."""
        if self._spool is None:
            if len(self._pieces) != 1:
                self._pieces = [b"".join(self._pieces)]
            return self._pieces[0]
        assert self._spool.file is not None
        return mmap.mmap(self._spool.file.fileno(), 0, access=mmap.ACCESS_READ)

    def read(self) -> bytes:
        """The whole in memory."""
        view = self.view()
        if isinstance(view, bytes):
            return view
        with view:
            return view[:]

    def copy_to(self, target: BinaryIO) -> None:
        """Write the whole to an open file, in pieces."""
        view = self.view()
        for at in range(0, len(view), _PIECE_BYTES):
            target.write(view[at : at + _PIECE_BYTES])

    def retain(self) -> Callable[[], None]:
        """Keep it after `close`, for a thread that reads it, until what this returns is called."""
        self._retainers += 1
        return self._let_go

    def _let_go(self) -> None:
        self._retainers -= 1
        if self._is_closed:
            self.close()

    def close(self) -> None:
        """Let go of the memory, or of the file, when no thread reads it any more."""
        self._is_closed = True
        if self._retainers:
            return
        self._give_back()
        self.store.give_disk(self._disk_bytes)
        self._disk_bytes = 0
        if self._spool is not None:
            self.store.let_go(self._spool)

    def _give_back(self) -> None:
        self.store.give(sum(map(len, self._pieces)))
        self._pieces = []


class BodyStore:
    """Where bodies wait: at most `memory_bytes` of them together in memory, the rest on disk.

    Used from the event loop only, which never waits for the disk.

    Args:
        folder: for files.
        memory_bytes: of all bodies in memory.
        disk_bytes: of all bodies in files.
        incoming: who watches how quickly they come.
        writers: threads that write; without them the caller's own does.
    """

    def __init__(
        self,
        folder: Path,
        memory_bytes: int = 32 << 20,
        *,
        disk_bytes: int = 16 << 30,
        incoming: Incoming | None = None,
        writers: Executor | None = None,
    ) -> None:
        self.incoming = incoming or Incoming()
        self._folder = folder
        self._free_bytes = memory_bytes
        self._disk_bytes = disk_bytes
        self._free_disk_bytes = disk_bytes
        self._writers = writers

    def take(self, size_bytes: int) -> bool:
        """Count memory as used. False where there is not so much left."""
        if size_bytes > self._free_bytes:
            return False
        self._free_bytes -= size_bytes
        return True

    def give(self, size_bytes: int) -> None:
        """Count memory as free again."""
        self._free_bytes += size_bytes

    def take_disk(self, size_bytes: int) -> None:
        """Count room on the disk as used. Raises RetryLaterError `spool-full`."""
        if size_bytes > self._free_disk_bytes:
            taken = self._disk_bytes - self._free_disk_bytes
            raise RetryLaterError(
                f"bodies that wait take {format_bytes(taken)} of the disk already; the limit is "
                f"{format_bytes(self._disk_bytes)}",
                retry_after_seconds=_FULL_RETRY_SECONDS,
                hint="Send fewer at once, or start the server with a larger --queue.",
                code="spool-full",
            )
        self._free_disk_bytes -= size_bytes

    def give_disk(self, size_bytes: int) -> None:
        """Count room on the disk as free again."""
        self._free_disk_bytes += size_bytes

    def new_spool(self) -> _Spool:
        """A file that is gone when it is closed, whatever happens to this process."""
        return _Spool(self._folder)

    async def write(self, work: Callable[[], None]) -> None:
        """Do what waits for the disk."""
        if self._writers is None:
            work()
        else:
            await asyncio.get_running_loop().run_in_executor(self._writers, work)

    def let_go(self, spool: _Spool) -> None:
        """Close it, some time soon: that may wait for the disk, too."""
        if self._writers is not None:
            try:
                self._writers.submit(spool.close)
                return
            except RuntimeError:  # the server ends, and its threads have
                pass
        spool.close()

    @asynccontextmanager
    async def receive(self, request: Request, limit: BodyLimit) -> AsyncIterator[Body]:
        """The request's body, unpacked, for the length of a block.

        Raises:
            HaversackError: by the limit's code; `body-incomplete`, `body-encoding-invalid`,
                `media-type-unsupported`, `spool-full`, and those of `rate`.
        """
        body = Body(self)
        try:
            async with aclosing(body_pieces(request, limit, self.incoming)) as pieces:
                async for piece in pieces:
                    body.append(piece)
                    await body.settle()
            yield body
        finally:
            body.close()


async def body_pieces(
    request: Request, limit: BodyLimit, incoming: Incoming
) -> AsyncGenerator[bytes]:
    """The body as it arrives, unpacked and counted; errors as `BodyStore.receive`."""
    stated = request.headers.get("content-length", "")
    if stated.isdigit():
        limit.check(int(stated))
    unpack = unpacker(request.headers.get("content-encoding", ""))
    total = 0
    async with aclosing(_chunks(request, incoming)) as chunks:
        pieces = chunks if unpack is None else _unpacked(unpack, chunks)
        async for piece in pieces:
            total += len(piece)
            limit.check(total)
            yield piece


async def _unpacked(unpack: Inflate, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    time_slice = TimeSlice()
    async for chunk in chunks:
        time_slice.begin()
        for step in steps(chunk):
            for piece in unpack.feed(step):
                yield piece
                await time_slice.yield_if_over()
            await time_slice.yield_if_over()
    for piece in unpack.end():
        yield piece
        await time_slice.yield_if_over()


async def _chunks(request: Request, incoming: Incoming) -> AsyncGenerator[bytes]:
    """What arrives, as long as enough does."""
    rate = incoming.begin(request.scope)
    clock, received, is_whole = asyncio.get_running_loop().time, 0, False
    try:
        while not is_whole:
            began = clock()
            message = await _next(request, rate)
            chunk: bytes = b"" if message is None else message.get("body", b"")
            received += len(chunk)
            if message is not None:
                _check_connected(message, received)
                is_whole = not message.get("more_body", False)
            if not is_whole:
                rate.tell(clock() - began, len(chunk))
            if chunk:
                yield chunk
    finally:
        rate.end()


async def _next(request: Request, rate: BodyRate) -> Message | None:
    """The next message; None where none came for as long as `rate` waits.

    An event loop that was held up tells of the time before it reads what came meanwhile: so it is
    asked twice.
    """
    for seconds in (rate.wait_seconds(), _CHECK_SECONDS):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await request.receive()
    return None


def _check_connected(message: Message, received_bytes: int) -> None:
    if message["type"] == "http.disconnect":
        raise HaversackError(
            "body-incomplete",
            f"the connection ended after {received_bytes:,} bytes of the body",
            hint="Send it again.",
        )
