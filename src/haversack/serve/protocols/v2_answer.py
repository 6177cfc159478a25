"""The body of a V2 answer: JSON, with tensors in it or behind it in binary.

Source: KServe Open Inference Protocol, REST, 2025-05; Triton Inference Server, "Binary Tensor Data
Extension" and "Classification Extension".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from haversack.engine.results import PackIdentity
from haversack.engine.session import Array
from haversack.engine.tensors import datatype_of, to_bytes, to_json
from haversack.serve.protocols.checks import SHOWN, invalid
from haversack.serve.protocols.v2_request import (
    InferRequest,
    OutputMessage,
    is_binary,
    whole_parameter,
)

_encoder = msgspec.json.Encoder()


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
        message, data = _output(wish.name, array, is_binary=is_binary(wish, request))
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
        raise invalid(f"the model has no output {wish.name[:SHOWN]!r}; it has {', '.join(arrays)}")
    count = whole_parameter(wish.parameters, "classification")
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
