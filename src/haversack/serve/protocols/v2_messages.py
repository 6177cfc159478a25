"""The bodies of V2 inference: JSON, with tensors in it or behind it in binary.

Source: KServe Open Inference Protocol, REST, 2025-05; Triton Inference Server, "Binary Tensor Data
Extension" and "Classification Extension".
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from haversack.engine.outputs import IMAGE
from haversack.engine.results import PackIdentity
from haversack.engine.session import Array
from haversack.engine.tensors import (
    datatype_of,
    elements,
    from_bytes,
    from_json,
    known,
    to_bytes,
    to_json,
)
from haversack.errors import HaversackError
from haversack.packfile.signature import Signature

_MICROSECONDS = 1e-6
_SHOWN = 64
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
_encoder = msgspec.json.Encoder()


def invalid(message: str, hint: str = "") -> HaversackError:
    """A request that is not what the protocol asks for."""
    return HaversackError("request-invalid", message, hint=hint)


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
    timeout = _whole(message.parameters, "timeout")
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
            f"Inference-Header-Content-Length is {text[:_SHOWN]!r}; a whole number from 0 to the "
            f"body's {body_bytes:,} bytes is needed"
        )
    return int(text)


@dataclass(frozen=True, kw_only=True)
class InferAnswer:
    """The bytes of an answer; `json_bytes` is set where binary tensors follow the JSON."""

    content: bytes
    json_bytes: int | None


def render(
    request: InferRequest,
    arrays: Mapping[str, Array],
    pack: PackIdentity,
) -> InferAnswer:
    """The answer to a request.

    Args:
        request: says which outputs, and how.
        arrays: every output by name.
        pack: whose they are.

    Raises:
        HaversackError: `request-invalid` for an output that the model has not.
    """
    wishes = request.outputs
    if not wishes:
        wishes = tuple(OutputMessage(name=name) for name in arrays)
    outputs, tail = [], []
    for wish in wishes:
        array = _wished(wish, arrays, pack.labels)
        message, data = _output(wish.name, array, is_binary=_is_binary(wish, request))
        outputs.append(message)
        tail.append(data)
    head = {"model_name": pack.name, "model_version": pack.version, "outputs": outputs}
    encoded = _encoder.encode(head | ({"id": request.id} if request.id else {}))
    if not any("binary_data_size" in message.get("parameters", ()) for message in outputs):
        return InferAnswer(content=encoded, json_bytes=None)
    return InferAnswer(content=b"".join([encoded, *tail]), json_bytes=len(encoded))


def _wished(wish: OutputMessage, arrays: Mapping[str, Array], labels: tuple[str, ...]) -> Array:
    array = arrays.get(wish.name)
    if array is None:
        raise invalid(f"the model has no output {wish.name[:_SHOWN]!r}; it has {', '.join(arrays)}")
    count = _whole(wish.parameters, "classification")
    return classification(wish.name, array, count, labels) if count else array


def _output(name: str, array: Array, *, is_binary: bool) -> tuple[dict[str, Any], bytes]:
    """One output's JSON, and its bytes where they go behind it."""
    message: dict[str, Any] = {
        "name": name,
        "datatype": datatype_of(array),
        "shape": list(array.shape),
    }
    if is_binary:
        data = to_bytes(array)
        return message | {"parameters": {"binary_data_size": len(data)}}, data
    message["data"], is_lossy = to_json(array)
    return message | ({"parameters": {"non_finite": True}} if is_lossy else {}), b""


def classification(name: str, array: Array, count: int, labels: tuple[str, ...]) -> Array:
    """The `count` largest values of each row, as BYTES `value:index[:label]`.

    Raises:
        HaversackError: `request-invalid` where the output holds no numbers.
    """
    if array.dtype.kind not in "iuf" or array.ndim < 1:
        raise invalid(f"output {name!r} holds no numbers to classify by")
    rows = (
        array.reshape(array.shape[0], math.prod(array.shape[1:])) if array.ndim > 1 else array[None]
    )
    order = np.argsort(-rows.astype(np.float64), axis=1, kind="stable")[:, :count]
    texts = np.empty(order.shape, dtype=np.object_)
    for at, index in np.ndenumerate(order):
        label = f":{labels[index]}" if index < len(labels) else ""
        texts[at] = f"{rows[at[0], index]:f}:{index}{label}".encode()
    return texts if array.ndim > 1 else texts[0]


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
        raise invalid(f"input {tensor.name[:_SHOWN]!r} has both data and a binary_data_size")
    if type(size) is not int or not 0 <= size <= len(rest):
        raise invalid(
            f"input {tensor.name[:_SHOWN]!r}: binary_data_size is {str(size)[:_SHOWN]}; of the "
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
        raise invalid(f"input {tensor.name[:_SHOWN]!r} has {array.size} elements, not as its shape")
    return array.reshape(tensor.shape)


def unbase64(text: object) -> bytes:
    """The bytes in a base64 text. Raises HaversackError `request-invalid`."""
    if not isinstance(text, str):
        raise invalid('binary data stand in JSON as {"b64": "<base64>"}')
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise invalid(f"a b64 value is not base64: {fault}") from fault


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
    return any(_is_binary(wish, request) for wish in request.outputs)


def _is_binary(wish: OutputMessage, request: InferRequest) -> bool:
    stated = wish.parameters.get("binary_data")
    return stated if isinstance(stated, bool) else request.is_binary


def _whole(parameters: dict[str, Any], name: str) -> int:
    value = parameters.get(name, 0)
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise invalid(f"parameter {name} is {str(value)[:_SHOWN]}; a whole number is needed")
    return value
