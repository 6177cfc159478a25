"""What a model's bytes show of its kind, without the framework that wrote them."""

from __future__ import annotations

from io import SEEK_CUR, SEEK_END
from pathlib import Path
from typing import BinaryIO

# Of onnx.proto's ModelProto: ir_version comes first and is a small number, the graph is field 7.
_IR_VERSION_TAG = 0x08
_HIGHEST_IR_VERSION = 127
_GRAPH_FIELD = 7
_MOST_FIELDS = 10_000
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
# Of 64 bits, the tenth byte of seven has but one.
_VARINT_BYTES = 10


def holds_onnx(source: object) -> bool:
    """Whether it is a file whose outermost message is that of an ONNX model.

    Only the outermost fields are looked at, and stepped over: a model of 2 GB takes some reads.
    """
    if not isinstance(source, Path):
        return False
    try:
        if not source.is_file():  # opening a pipe would wait for its writer
            return False
        with source.open("rb") as file:
            return _is_onnx(file)
    except OSError:
        return False


def _is_onnx(file: BinaryIO) -> bool:
    end = file.seek(0, SEEK_END)
    file.seek(0)
    first = file.read(2)
    if len(first) < 2 or first[0] != _IR_VERSION_TAG or not 0 < first[1] <= _HIGHEST_IR_VERSION:
        return False
    has_graph = False
    for _ in range(_MOST_FIELDS):
        if file.tell() == end:
            return has_graph
        tag = _varint(file)
        if tag is None or not _stepped_over(file, tag & 7, end):
            return False
        has_graph = has_graph or tag == (_GRAPH_FIELD << 3 | _LENGTH)
    return False


def _stepped_over(file: BinaryIO, wire: int, end: int) -> bool:
    """Whether a payload of this wire type lies whole between here and the end."""
    if wire == _VARINT:
        return _varint(file) is not None
    length = {_FIXED64: 8, _FIXED32: 4}.get(wire) if wire != _LENGTH else _varint(file)
    # Compared before the seek: no system seeks by 2**63, and Python says so by ValueError.
    if length is None or length > end - file.tell():
        return False
    file.seek(length, SEEK_CUR)
    return True


def _varint(file: BinaryIO) -> int | None:
    value = 0
    for place in range(_VARINT_BYTES):
        byte = file.read(1)
        if not byte or (place == _VARINT_BYTES - 1 and byte[0] > 1):
            return None
        value |= (byte[0] & 0x7F) << (7 * place)
        if byte[0] < 0x80:
            return value
    return None
