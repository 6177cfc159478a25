"""Content codings of request bodies: gzip and deflate, unpacked in small steps."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from haversack.errors import HaversackError, Kind

_PIECE_BYTES = 256 << 10


class Inflate:
    """gzip or zlib in small steps: what comes out of a few bytes may be a thousand times more.

    Both methods raise HaversackError `body-encoding-invalid`.
    """

    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits
        self._inflate = zlib.decompressobj(window_bits)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What comes out of the next bytes; of many small members, one piece."""
        made, size = list[bytes](), 0
        try:
            while chunk:
                piece = self._inflate.decompress(chunk, _PIECE_BYTES)
                chunk = self._inflate.unconsumed_tail
                if self._inflate.eof and self._inflate.unused_data:
                    # RFC 1952, 2.2: a gzip file may have several members, one behind the other.
                    chunk = self._inflate.unused_data
                    self._inflate = zlib.decompressobj(self._window_bits)
                made.append(piece)
                size += len(piece)
                if size >= _PIECE_BYTES:
                    yield b"".join(made)
                    made, size = [], 0
        except zlib.error as fault:
            raise self._invalid(str(fault)) from fault
        if size:
            yield b"".join(made)

    def end(self) -> Iterator[bytes]:
        """What comes out behind the last of them."""
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


def unpacker(encoding: str) -> Inflate | None:
    """For a Content-Encoding; None where nothing is packed.

    Raises:
        HaversackError: `media-type-unsupported`.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name not in _WINDOWS:
        raise HaversackError(
            "media-type-unsupported",
            f"a body with Content-Encoding {encoding[:40]!r} cannot be read; allowed are gzip and "
            "deflate",
            kind=Kind.UNSUPPORTED,
        )
    return Inflate(_WINDOWS[name])
