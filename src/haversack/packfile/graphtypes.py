"""A graph's inputs and outputs in ONNX's types, as tensors with Open Inference V2 names.

Source: onnx.proto (ValueInfoProto, TypeProto, TensorShapeProto); the datatype names are those of
https://github.com/kserve/open-inference-protocol, FP8 and 4-bit types keep ONNX's own.
"""

from __future__ import annotations

from haversack.packfile.signature import TensorSpec
from haversack.packfile.wire import fields, unreadable

_DATATYPES = {
    1: "FP32",
    2: "UINT8",
    3: "INT8",
    4: "UINT16",
    5: "INT16",
    6: "INT32",
    7: "INT64",
    8: "BYTES",
    9: "BOOL",
    10: "FP16",
    11: "FP64",
    12: "UINT32",
    13: "UINT64",
    14: "COMPLEX64",
    15: "COMPLEX128",
    16: "BF16",
    17: "FLOAT8E4M3FN",
    18: "FLOAT8E4M3FNUZ",
    19: "FLOAT8E5M2",
    20: "FLOAT8E5M2FNUZ",
    21: "UINT4",
    22: "INT4",
    23: "FLOAT4E2M1",
}
_NO_TENSOR = {4: "SEQUENCE", 5: "MAP", 7: "OPAQUE", 8: "SPARSE_TENSOR", 9: "OPTIONAL"}
_UNKNOWN = "UNDEFINED"
_VARIES = -1


def value_info(message: memoryview) -> TensorSpec:
    """One ValueInfoProto. A value that is no tensor has its kind as datatype (SEQUENCE, MAP...).

    A dimension that is named or missing is -1; a tensor of unknown rank has shape ().

    Raises:
        PackError: `graph-unreadable`.
    """
    name, datatype = "", _UNKNOWN
    shape: tuple[int, ...] = ()
    for entry in fields(message, frozenset({1, 2})):
        if entry.number == 1:
            name = entry.text()
        elif entry.number == 2:
            datatype, shape = _type(entry.message())
    return TensorSpec(name=name, datatype=datatype, shape=shape)


def _type(message: memoryview) -> tuple[str, tuple[int, ...]]:
    found: list[tuple[str, tuple[int, ...]]] = []
    for entry in fields(message):
        if entry.number == 1:
            found.append(_tensor_type(entry.message()))
        elif entry.number in _NO_TENSOR:
            found.append((_NO_TENSOR[entry.number], ()))
    if len(found) > 1:
        raise unreadable("a value has two types")
    return found[0] if found else (_UNKNOWN, ())


def _tensor_type(message: memoryview) -> tuple[str, tuple[int, ...]]:
    datatype = _UNKNOWN
    shape: tuple[int, ...] = ()
    for entry in fields(message, frozenset({1, 2})):
        if entry.number == 1:
            datatype = _DATATYPES.get(entry.integer(), _UNKNOWN)
        elif entry.number == 2:
            shape = _shape(entry.message())
    return datatype, shape


def _shape(message: memoryview) -> tuple[int, ...]:
    return tuple(_side(entry.message()) for entry in fields(message) if entry.number == 1)


def _side(message: memoryview) -> int:
    found = []
    for entry in fields(message):
        if entry.number == 1:
            found.append(max(entry.integer(), _VARIES))
        elif entry.number == 2:
            entry.text()
            found.append(_VARIES)
    if len(found) > 1:
        raise unreadable("a dimension has two values")
    return found[0] if found else _VARIES
