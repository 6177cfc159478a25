"""Named tensors as JSON lists or little-endian bytes <-> arrays that match a signature.

Datatypes are Open Inference V2's. Source: KServe Open Inference Protocol, "Tensor Data Types";
Triton Inference Server, "Binary Tensor Data Extension".
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from haversack.engine.session import Array
from haversack.errors import HaversackError
from haversack.packfile.signature import Signature, TensorSpec

NUMPY = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
    "BYTES": np.dtype(np.object_),
}
"""The array's dtype for each datatype; BYTES is an array of `bytes` objects."""

_NAMES = {dtype: name for name, dtype in NUMPY.items()}
_SIDES_LIMIT = 32  # what numpy itself allows, less a reserve
_COUNT_LIMIT = 1 << 62  # more cannot be counted in a message, nor addressed
_LENGTH = struct.Struct("<I")


class TensorError(HaversackError):
    """A tensor that cannot be what it says, or not what the model takes."""


def datatype_of(array: Array) -> str:
    """The datatype of an array, as V2 names it."""
    return _NAMES.get(array.dtype.newbyteorder("<"), "BYTES")


def known(name: str, datatype: str) -> np.dtype[Any]:
    """The dtype of `datatype`. Raises TensorError `datatype-unknown`."""
    dtype = NUMPY.get(datatype)
    if dtype is None:
        raise TensorError(
            "datatype-unknown",
            f"tensor {name!r} has datatype {datatype[:40]!r}; allowed are {', '.join(NUMPY)}",
        )
    return dtype


def elements(name: str, shape: Sequence[int]) -> int:
    """How many elements a shape holds. Raises TensorError `shape-invalid`."""
    count = math.prod(shape[:_SIDES_LIMIT])
    if len(shape) > _SIDES_LIMIT or any(side < 1 for side in shape) or count > _COUNT_LIMIT:
        sides = ", ".join(str(side) if abs(side) <= _COUNT_LIMIT else "..." for side in shape[:8])
        raise TensorError(
            "shape-invalid",
            f"tensor {name!r} has shape [{sides}]; every side must be 1 or more, with "
            f"{_SIDES_LIMIT} sides and 2**62 elements at most",
        )
    return count


def from_bytes(name: str, datatype: str, shape: Sequence[int], data: memoryview) -> Array:
    """The tensor in little-endian, row-major `data`, without a copy where there is no need.

    BYTES is, for each element, its length as uint32 and then itself.

    Raises:
        TensorError: `datatype-unknown`, `shape-invalid`, `tensor-size`, `tensor-not-finite`.
    """
    dtype, count = known(name, datatype), elements(name, shape)
    if datatype == "BYTES":
        return _strings(name, data, count).reshape(shape)
    need = count * dtype.itemsize
    if len(data) != need:
        raise TensorError(
            "tensor-size",
            f"tensor {name!r}, {datatype}{list(shape)}, needs {need:,} bytes; "
            f"received {len(data):,}",
        )
    array = np.frombuffer(data, dtype=dtype)
    if dtype.kind == "f" and np.isnan(array).any():
        raise _not_finite(name)
    if dtype.kind == "b" and array.view(np.uint8).max() > 1:
        raise TensorError("tensor-size", f"tensor {name!r} is BOOL; each byte must be 0 or 1")
    return array.reshape(shape)


def to_bytes(array: Array) -> bytes:
    """The little-endian, row-major bytes of an array, as `from_bytes` reads them."""
    if array.dtype.kind in "OUS":
        items = (encoded(item) for item in array.reshape(-1))
        return b"".join(_LENGTH.pack(len(item)) + item for item in items)
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()


def from_json(name: str, datatype: str, shape: Sequence[int], data: object) -> Array:
    """The tensor whose elements are the list `data`, flat or nested as `shape` says.

    Raises:
        TensorError: `datatype-unknown`, `shape-invalid`, `tensor-size`, `tensor-value`,
            `tensor-not-finite`.
    """
    dtype, count = known(name, datatype), elements(name, shape)
    if not isinstance(data, list):
        raise TensorError("tensor-value", f"tensor {name!r}: data must be a list of its elements")
    array = string_array(name, data) if datatype == "BYTES" else number_array(name, data, dtype)
    if array.size != count or (array.ndim > 1 and array.shape != tuple(shape)):
        raise TensorError(
            "tensor-size",
            f"tensor {name!r} has shape {list(shape)}, which is {count:,} elements; received "
            f"{array.size:,} in the form {list(array.shape)}",
            hint="Give the elements as one flat list, or nested exactly as the shape says.",
        )
    return array.reshape(shape)


def to_json(array: Array) -> tuple[list[Any], bool]:
    """The elements as one flat list, and whether any was NaN or infinite and became None."""
    flat = array.reshape(-1)
    if array.dtype.kind in "OUS":
        return [encoded(item).decode("utf-8", "backslashreplace") for item in flat], False
    if array.dtype.kind == "f":
        finite = np.isfinite(flat)
        if not finite.all():
            pairs = zip(flat.tolist(), finite.tolist(), strict=True)
            return [value if good else None for value, good in pairs], True
    return flat.tolist(), False


def number_array(name: str, data: object, dtype: np.dtype[Any]) -> Array:
    """Numbers in nested lists as an array of `dtype`, refused where one would change its value.

    Raises:
        TensorError: `tensor-value`, `tensor-not-finite`.
    """
    if _holds_text(data):
        # numpy would give every element the room of the longest text: 120 KB of JSON took 240 GB.
        raise TensorError("tensor-value", f"tensor {name!r} is {_NAMES[dtype]}; received text")
    try:
        array = np.asarray(data)
    except (ValueError, OverflowError, TypeError) as fault:
        raise TensorError(
            "tensor-value", f"tensor {name!r}: its lists are not of one length each"
        ) from fault
    if dtype == np.uint64 and array.dtype == np.float64:
        array = _unsigned(data, array)
    allowed = {"f": "iuf", "b": "b"}.get(dtype.kind, "iu")
    if array.dtype.kind not in allowed and array.size:
        raise TensorError(
            "tensor-value",
            f"tensor {name!r} is {_NAMES[dtype]}; received {_what(array)}",
            hint="Numbers without quotes, no null, and none outside the datatype's range.",
        )
    if dtype.kind in "iu" and array.size:
        limits = np.iinfo(dtype)
        if int(array.min()) < limits.min or int(array.max()) > limits.max:
            raise TensorError(
                "tensor-value",
                f"tensor {name!r} is {_NAMES[dtype]}, from {limits.min} to {limits.max}; received "
                f"{int(array.min())} to {int(array.max())}",
            )
    with np.errstate(over="ignore"):
        cast = array.astype(dtype, copy=False)
    if dtype.kind == "f" and not np.isfinite(cast).all():
        raise _not_finite(name)
    return cast


def string_array(name: str, data: object) -> Array:
    """Texts in nested lists as an array of their UTF-8 bytes.

    Raises:
        TensorError: `tensor-value`.
    """
    array = np.array(data, dtype=np.object_)
    flat = array.reshape(-1)
    if not all(isinstance(item, str) for item in flat):
        raise TensorError("tensor-value", f"tensor {name!r} is BYTES; each element must be a text")
    texts = np.empty(flat.shape, dtype=np.object_)
    texts[:] = [item.encode("utf-8", "surrogatepass") for item in flat]
    return texts.reshape(array.shape)


def encoded(item: object) -> bytes:
    """One element of a BYTES tensor as bytes: texts are UTF-8."""
    return item if isinstance(item, bytes) else str(item).encode("utf-8")


def check(signature: Signature, inputs: Mapping[str, Array]) -> None:
    """Refuse inputs that are not exactly the signature's: names, datatypes, shapes.

    Raises:
        TensorError: `inputs-unfit`, with every difference.
    """
    wanted = {spec.name: spec for spec in signature.inputs}
    faults = [f"{name!r} is missing" for name in wanted if name not in inputs]
    for name, array in inputs.items():
        spec = wanted.get(name)
        if spec is None:
            faults.append(f"{name[:80]!r} is not an input")
        elif not _fits(spec, array):
            faults.append(f"{name!r} is {datatype_of(array)}{list(array.shape)}")
    if faults:
        raise TensorError(
            "inputs-unfit",
            f"the model takes {'; '.join(map(str, signature.inputs))}; in the request "
            f"{'; '.join(faults[:8])}",
        )


def to_session(array: Array) -> Array:
    """The array as a runtime takes it, texts for bytes. Raises TensorError `tensor-value`."""
    if array.dtype.kind != "O":
        return array
    try:
        texts = [item.decode("utf-8") for item in array.reshape(-1)]
    except UnicodeDecodeError as fault:
        raise TensorError("tensor-value", f"a text is not UTF-8: {fault.reason}") from fault
    decoded = np.empty(array.size, dtype=np.object_)
    decoded[:] = texts
    return decoded.reshape(array.shape)


def _fits(spec: TensorSpec, array: Array) -> bool:
    sides = zip(spec.shape, array.shape, strict=False)
    return (
        spec.datatype == datatype_of(array)
        and len(spec.shape) == array.ndim
        and all(side in (-1, received) for side, received in sides)
    )


def _strings(name: str, data: memoryview, count: int) -> Array:
    items: list[bytes] = []
    at = 0
    while at < len(data) and len(items) < count:
        if at + _LENGTH.size > len(data):
            break
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if at + length > len(data):
            raise TensorError(
                "tensor-size",
                f"tensor {name!r}: element {len(items)} should be {length:,} bytes long; "
                f"{len(data) - at:,} are left",
            )
        items.append(bytes(data[at : at + length]))
        at += length
    if len(items) != count or at != len(data):
        raise TensorError(
            "tensor-size",
            f"tensor {name!r} should hold {count:,} elements in {len(data):,} bytes; "
            f"{len(items):,} were read, to byte {at:,}",
            hint="Each element is its length, as a little-endian uint32, and then its bytes.",
        )
    array = np.empty(count, dtype=np.object_)
    array[:] = items
    return array


def _holds_text(data: object) -> bool:
    """Whether a text is among nested lists' elements; adding numbers up is the quickest proof."""
    level = data
    while isinstance(level, list):
        try:
            sum(level)
        except (TypeError, OverflowError):
            kinds = set(map(type, level))
        else:
            return False
        if kinds != {list}:
            return str in kinds
        level = list(chain.from_iterable(level))
    return isinstance(level, str)


def _unsigned(data: object, rounded: Array) -> Array:
    """Whole numbers on both sides of 2**63, which numpy rounded to floats; others as they are."""
    exact = np.array(data, dtype=np.object_)
    if all(type(item) is int and 0 <= item < 1 << 64 for item in exact.reshape(-1)):
        return exact.astype(np.uint64)
    return rounded


def _what(array: Array) -> str:
    kinds = {"b": "true or false", "O": "null, or lists mixed with numbers"}
    return kinds.get(array.dtype.kind, f"values of kind {array.dtype}")


def _not_finite(name: str) -> TensorError:
    return TensorError(
        "tensor-not-finite",
        f"tensor {name!r} holds NaN, or a number too large for its datatype",
        hint="Fill in or leave out missing values before sending.",
    )
