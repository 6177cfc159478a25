"""Request bodies: counted while they arrive, and put on disk where memory for them runs out."""

from __future__ import annotations

import asyncio
import mmap
import tempfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from starlette.requests import ClientDisconnect, Request

from haversack.errors import HaversackError, Kind
from haversack.units import format_bytes

_PIECE_BYTES = 256 << 10
_PATIENCE_SECONDS = 30
_LEAST_BYTES_PER_SECOND = 1024


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
            )


class Body:
    """What has arrived of one body: in memory, or in a file without a name.

    Attributes:
        size_bytes: so far.
    """

    def __init__(self, store: BodyStore) -> None:
        self._store = store
        self._pieces: list[bytes] = []
        self._file: BinaryIO | None = None
        self._keepers = 0
        self._is_closed = False
        self.size_bytes = 0

    def append(self, piece: bytes) -> None:
        """Keep one more piece. Raises HaversackError `spool-full`."""
        self.size_bytes += len(piece)
        if self._file is None and self._store.take(len(piece)):
            self._pieces.append(piece)
            return
        try:
            if self._file is None:
                self._file = self._store.new_file()
                self._file.writelines(self._pieces)
                self._give_back()
            self._file.write(piece)
        except OSError as fault:
            raise HaversackError(
                "spool-full",
                f"the server's folder for waiting uploads cannot be written: {fault.strerror}",
                hint="Try again in a minute; its owner should make room in the --state folder.",
                kind=Kind.OVERLOADED,
            ) from fault

    @property
    def on_disk(self) -> bool:
        """Whether it is in a file."""
        return self._file is not None

    def view(self) -> bytes | mmap.mmap:
        """The whole without a copy: the bytes themselves, or the file mapped for reading."""
        if self._file is None:
            if len(self._pieces) != 1:
                self._pieces = [b"".join(self._pieces)]
            return self._pieces[0]
        self._file.flush()
        return mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

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

    def keep(self) -> Callable[[], None]:
        """Have it stay after `close`, for a thread that reads it; what this returns lets it go."""
        self._keepers += 1
        return self._let_go

    def _let_go(self) -> None:
        self._keepers -= 1
        if self._is_closed:
            self.close()

    def close(self) -> None:
        """Let go of the memory, or of the file, when nobody keeps it."""
        self._is_closed = True
        if self._keepers:
            return
        self._give_back()
        if self._file is not None:
            self._file.close()

    def _give_back(self) -> None:
        self._store.give(sum(map(len, self._pieces)))
        self._pieces = []


class BodyStore:
    """Where bodies wait: at most `memory_bytes` of them together in memory, the rest on disk.

    Used from the event loop only.
    """

    def __init__(self, folder: Path, memory_bytes: int = 32 << 20) -> None:
        self._folder = folder
        self._free_bytes = memory_bytes

    def take(self, size_bytes: int) -> bool:
        """Count memory as used. False where there is not so much left."""
        if size_bytes > self._free_bytes:
            return False
        self._free_bytes -= size_bytes
        return True

    def give(self, size_bytes: int) -> None:
        """Count memory as free again."""
        self._free_bytes += size_bytes

    def new_file(self) -> BinaryIO:
        """A file that is gone when it is closed, whatever happens to this process."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self._folder)

    @asynccontextmanager
    async def receive(self, request: Request, limit: BodyLimit) -> AsyncIterator[Body]:
        """The request's body, unpacked, for the length of a block.

        Raises:
            HaversackError: by the limit's code; `body-incomplete`, `body-encoding-invalid`,
                `media-type-unsupported`, `spool-full`.
        """
        body = Body(self)
        try:
            async for piece in body_pieces(request, limit):
                body.append(piece)
            yield body
        finally:
            body.close()


async def body_pieces(request: Request, limit: BodyLimit) -> AsyncIterator[bytes]:
    """The body as it arrives, unpacked and counted; errors as `BodyStore.receive`."""
    stated = request.headers.get("content-length", "")
    if stated.isdigit():
        limit.check(int(stated))
    unpack = _unpacker(request.headers.get("content-encoding", ""))
    total = 0
    try:
        async for chunk in _chunks(request):
            for piece in unpack.feed(chunk):
                total += len(piece)
                limit.check(total)
                yield piece
        for piece in unpack.end():
            total += len(piece)
            limit.check(total)
            yield piece
    except ClientDisconnect as gone:
        raise HaversackError(
            "body-incomplete",
            f"the connection ended after {total:,} bytes of the body",
            hint="Send it again.",
        ) from gone


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """What arrives, as long as enough does: a seat is not kept by a byte now and then."""
    stream = aiter(request.stream())
    clock = asyncio.get_running_loop().time
    began, received = clock(), 0
    while True:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as fault:
            raise _too_slow(
                f"nothing more of the body came for {_PATIENCE_SECONDS} seconds"
            ) from fault
        received += len(chunk)
        spent = clock() - began
        if spent > _PATIENCE_SECONDS and received < spent * _LEAST_BYTES_PER_SECOND:
            raise _too_slow(f"{received:,} bytes of the body came in {spent:.0f} seconds")
        yield chunk


def _too_slow(sentence: str) -> HaversackError:
    return HaversackError(
        "body-too-slow", sentence, hint="Send it again, over a quicker connection."
    )


class _Plain:
    def feed(self, chunk: bytes) -> Iterator[bytes]:
        if chunk:
            yield chunk

    def end(self) -> Iterator[bytes]:
        return iter(())


class _Inflate:
    """gzip or zlib in small steps: what comes out of a few bytes may be a thousand times more."""

    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits
        self._inflate = zlib.decompressobj(window_bits)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        try:
            while chunk:
                piece = self._inflate.decompress(chunk, _PIECE_BYTES)
                chunk = self._inflate.unconsumed_tail
                if self._inflate.eof and self._inflate.unused_data:
                    # RFC 1952, 2.2: a gzip file may have several members, one behind the other.
                    chunk = self._inflate.unused_data
                    self._inflate = zlib.decompressobj(self._window_bits)
                if piece:
                    yield piece
        except zlib.error as fault:
            raise self._invalid(str(fault)) from fault

    def end(self) -> Iterator[bytes]:
        try:
            while not self._inflate.eof:
                piece = self._inflate.decompress(b"", _PIECE_BYTES)
                if not piece:
                    raise self._invalid("it ends too early")
                yield piece
        except zlib.error as fault:
            raise self._invalid(str(fault)) from fault

    def _invalid(self, reason: str) -> HaversackError:
        return HaversackError(
            "body-encoding-invalid",
            f"the compressed body cannot be unpacked: {reason}",
            hint="Send it without Content-Encoding.",
        )


_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def _unpacker(encoding: str) -> _Plain | _Inflate:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _Plain()
    if name not in _WINDOWS:
        raise HaversackError(
            "media-type-unsupported",
            f"a body with Content-Encoding {encoding[:40]!r} cannot be read; allowed are gzip and "
            "deflate",
        )
    return _Inflate(_WINDOWS[name])
