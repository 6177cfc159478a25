"""Protocol Buffers' wire format: the fields of one message, payloads left where they lie.

Stricter than a protobuf library where leniency would let two readers see two messages: groups,
a singular field written twice, and a field of the wrong wire type are refused, not merged or
skipped.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from haversack.errors import PackError

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_FIXED_BYTES = {_FIXED64: 8, _FIXED32: 4}
_VARINT_BYTES = 10


class Field(NamedTuple):
    """One field of a message as it was written.

    Attributes:
        number: of the field in its message.
        wire: the wire type (0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes).
        varint: the unsigned value of wire type 0, else 0.
        payload: the bytes of the other wire types, a view of the message, else empty.
    """

    number: int
    wire: int
    varint: int
    payload: memoryview

    def message(self) -> memoryview:
        """The bytes of a nested message. Raises PackError `graph-unreadable` for another type."""
        if self.wire != _LENGTH:
            raise unreadable(f"field {self.number} should hold bytes, has wire type {self.wire}")
        return self.payload

    def text(self) -> str:
        """A string. Raises PackError `graph-unreadable` where it is not UTF-8."""
        try:
            return str(self.message(), "utf-8")
        except UnicodeDecodeError as error:
            raise unreadable(f"field {self.number} is not UTF-8 text") from error

    def integer(self) -> int:
        """An int64, signed. Raises PackError `graph-unreadable` for another type."""
        if self.wire != _VARINT:
            raise unreadable(f"field {self.number} should be a number, has wire type {self.wire}")
        return self.varint - (1 << 64) if self.varint >> 63 else self.varint


def unreadable(why: str) -> PackError:
    """The one error of a graph that cannot be read: `graph-unreadable`."""
    return PackError(
        "graph-unreadable",
        f"the graph is not a readable ONNX model: {why}",
        hint="The file may be cut short. Copy it again, or export the model again.",
    )


def fields(message: memoryview, singular: frozenset[int] = frozenset()) -> Iterator[Field]:
    """The fields of `message` (uint8, one dimension) in the order written, without copying.

    Args:
        message: the bytes of exactly one message.
        singular: numbers that may be written once only; a protobuf library merges repeats, and a
            reader that does not would see less than the runtime.

    Raises:
        PackError: `graph-unreadable` for anything cut short, overlong, or not of this format.
    """
    at, end = 0, len(message)
    nothing = message[:0]
    seen: set[int] = set()
    while at < end:
        tag, at = _varint(message, at, end)
        number, wire = tag >> 3, tag & 7
        if not 1 <= number < 1 << 29:
            raise unreadable(f"field number {number} does not exist")
        if number in singular:
            if number in seen:
                raise unreadable(f"field {number} is written twice")
            seen.add(number)
        if wire == _VARINT:
            value, at = _varint(message, at, end)
            yield Field(number, wire, value, nothing)
            continue
        if wire == _LENGTH:
            length, at = _varint(message, at, end)
        elif wire in _FIXED_BYTES:
            length = _FIXED_BYTES[wire]
        else:
            raise unreadable(f"wire type {wire} is not used by ONNX")
        if length > end - at:
            raise unreadable(f"{length} bytes are announced where {end - at} are left")
        yield Field(number, wire, 0, message[at : at + length])
        at += length


def _varint(message: memoryview, at: int, end: int) -> tuple[int, int]:
    """The unsigned 64-bit number at `at`, and where the next byte is."""
    if at < end and message[at] < 0x80:
        return message[at], at + 1
    value = 0
    for place in range(_VARINT_BYTES):
        if at + place >= end:
            raise unreadable("a number is cut short")
        byte = message[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            if value >> 64:
                break
            return value, at + place + 1
    raise unreadable("a number has more than 64 bits")
