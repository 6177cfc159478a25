"""The body of a V2 request, read: JSON, with tensors in it or behind it in binary.

Source: KServe Open Inference Protocol, REST, 2025-05; Triton Inference Server, "Binary Tensor Data
Extension".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from haversack.engine.session import Array
from haversack.engine.tasks.plain import IMAGE
from haversack.engine.tensors import (
    elements,
    from_bytes,
    from_json,
    known,
)
from haversack.packfile.signature import Signature
from haversack.serve.protocols.checks import SHOWN, invalid, unbase64

_MICROSECONDS = 1e-6
_LONGEST_NAME = 256


class InputMessage(msgspec.Struct, frozen=True):
    """One input of a request."""

    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] = {}
    data: Any = None


class OutputMessage(msgspec.Struct, frozen=True):
    """One output that a request wishes for."""

    name: str
    parameters: dict[str, Any] = {}


class InferMessage(msgspec.Struct, frozen=True):
    """The JSON of a request."""

    inputs: list[InputMessage]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[OutputMessage] | None = None


@dataclass(frozen=True, kw_only=True)
class InferRequest:
    """A request, read.

    Attributes:
        id: to be sent back.
        inputs: by name.
        outputs: what is wished for, in order; None or none at all for everything, as in Triton.
        is_binary: whether outputs are binary where they do not say otherwise.
        timeout_seconds: of the caller, or None.
    """

    id: str
    inputs: dict[str, Array]
    outputs: tuple[OutputMessage, ...] | None = None
    is_binary: bool = False
    timeout_seconds: float | None = None


_decoder = msgspec.json.Decoder(InferMessage)


def parse(body: memoryview, json_bytes: int | None, signature: Signature) -> InferRequest:
    """A request from the bytes of its body.

    Args:
        body: all of it.
        json_bytes: what Inference-Header-Content-Length says, or None where there is no such
            header and all is JSON; 0 for a raw request.
        signature: of the model: a raw request says neither name nor shape.

    Raises:
        HaversackError: `request-invalid`. TensorError: see `engine.tensors`.
    """
    if json_bytes == 0:
        return _raw(body, signature)
    message = _message(body if json_bytes is None else body[:json_bytes])
    rest = memoryview(b"") if json_bytes is None else body[json_bytes:]
    names = [tensor.name for tensor in message.inputs]
    if not names:
        raise invalid("the request's `inputs` is empty")
    if len(max(names, key=len)) > _LONGEST_NAME:
        raise invalid(f"an input's name is longer than {_LONGEST_NAME} characters")
    if len(set(names)) != len(names):
        raise invalid("two inputs of the request have the same name")
    wants_photo = signature.inputs == (IMAGE,)
    inputs = {}
    for tensor in message.inputs:
        inputs[tensor.name], rest = _tensor(tensor, rest, wants_photo=wants_photo)
    if len(rest):
        raise invalid(f"{len(rest):,} bytes are left behind the last tensor of the request")
    timeout = whole_parameter(message.parameters, "timeout")
    return InferRequest(
        id=message.id,
        inputs=inputs,
        outputs=None if message.outputs is None else tuple(message.outputs),
        is_binary=message.parameters.get("binary_data_output") is True,
        timeout_seconds=timeout * _MICROSECONDS if timeout else None,
    )


def header_length(text: str, body_bytes: int) -> int | None:
    """Inference-Header-Content-Length, checked before anything is parsed.

    Raises:
        HaversackError: `request-invalid` where it is no whole number, negative, or beyond the body.
    """
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) > body_bytes:
        raise invalid(
            f"Inference-Header-Content-Length is {text[:SHOWN]!r}; a whole number from 0 to the "
            f"body's {body_bytes:,} bytes is needed"
        )
    return int(text)


def _message(data: memoryview) -> InferMessage:
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise invalid(
            f"the request is not V2 inference JSON: {fault}",
            hint='Send {"inputs": [{"name", "shape", "datatype", "data"}]}; GET the model to see '
            "its inputs.",
        ) from fault


def _tensor(
    tensor: InputMessage, rest: memoryview, *, wants_photo: bool
) -> tuple[Array, memoryview]:
    """One input, and what is left of the binary part."""
    size = tensor.parameters.get("binary_data_size")
    if size is None:
        if tensor.datatype == "BYTES" and isinstance(tensor.data, list):
            return _texts(tensor, tensor.data, wants_photo=wants_photo), rest
        return from_json(tensor.name, tensor.datatype, tensor.shape, tensor.data), rest
    if tensor.data is not None:
        raise invalid(f"input {tensor.name[:SHOWN]!r} has both data and a binary_data_size")
    if type(size) is not int or not 0 <= size <= len(rest):
        raise invalid(
            f"input {tensor.name[:SHOWN]!r}: binary_data_size is {str(size)[:SHOWN]}; of the "
            f"body {len(rest):,} bytes are left for it"
        )
    data, rest = rest[:size], rest[size:]
    if wants_photo and _holds_one(tensor, data):
        return _alone(data[4:]).reshape(tensor.shape), rest
    return from_bytes(tensor.name, tensor.datatype, tensor.shape, data), rest


def _holds_one(tensor: InputMessage, data: memoryview) -> bool:
    """Whether it is one element of BYTES, after its length as uint32."""
    is_one = tensor.datatype == "BYTES" and elements(tensor.name, tensor.shape) == 1
    return is_one and len(data) >= 4 and int.from_bytes(data[:4], "little") == len(data) - 4


def _alone(photo: memoryview) -> Array:
    """A photo as it lies in the body: it is copied when memory is reserved for that."""
    array = np.empty(1, dtype=np.object_)
    array[0] = photo
    return array


def _texts(tensor: InputMessage, data: list[Any], *, wants_photo: bool) -> Array:
    """BYTES inside JSON: texts, or {"b64": "..."} where they are none, such as a photo."""
    if not any(isinstance(item, dict) for item in data) and not wants_photo:
        return from_json(tensor.name, tensor.datatype, tensor.shape, data)
    array = np.empty(len(data), dtype=np.object_)
    array[:] = [unbase64(item.get("b64") if isinstance(item, dict) else item) for item in data]
    if array.size != elements(tensor.name, tensor.shape):
        raise invalid(f"input {tensor.name[:SHOWN]!r} has {array.size} elements, not as its shape")
    return array.reshape(tensor.shape)


def _raw(body: memoryview, signature: Signature) -> InferRequest:
    """A body that is one tensor and nothing else: batch 1, at most one side unknown."""
    if len(signature.inputs) != 1:
        raise invalid(
            f"a raw request holds one tensor; the model takes {len(signature.inputs)} inputs"
        )
    spec = signature.inputs[0]
    if spec == IMAGE:
        return InferRequest(id="", inputs={spec.name: _alone(body)}, is_binary=True)
    if spec.datatype == "BYTES":
        array = np.empty(1, dtype=np.object_)
        array[0] = bytes(body)
        return InferRequest(id="", inputs={spec.name: array}, is_binary=True)
    shape = [1 if at == 0 and side < 0 else side for at, side in enumerate(spec.shape)]
    if shape.count(-1) > 1:
        raise invalid(f"{spec} has more than one side of any size; say the shape in JSON")
    if -1 in shape:
        sides = [side for side in shape if side > 0]
        one = known(spec.name, spec.datatype).itemsize * elements(spec.name, sides)
        shape[shape.index(-1)] = max(len(body) // one, 1)
    array = from_bytes(spec.name, spec.datatype, shape, body)
    return InferRequest(id="", inputs={spec.name: array}, is_binary=True)


def wants_binary(request: InferRequest) -> bool:
    """Whether any output is to be in binary form."""
    if not request.outputs:
        return request.is_binary
    return any(is_binary(wish, request) for wish in request.outputs)


def is_binary(wish: OutputMessage, request: InferRequest) -> bool:
    """Whether an output is to be in binary form: by its own wish, else by the request's."""
    stated = wish.parameters.get("binary_data")
    return stated if isinstance(stated, bool) else request.is_binary


def whole_parameter(parameters: dict[str, Any], name: str) -> int:
    """A parameter's value, 0 where it is not given. Raises HaversackError `request-invalid`."""
    value = parameters.get(name, 0)
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise invalid(f"parameter {name} is {str(value)[:SHOWN]}; a whole number is needed")
    return value
