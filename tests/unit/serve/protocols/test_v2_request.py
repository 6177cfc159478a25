"""V2 bodies are read as the protocol says, and what is wrong with them is refused in words."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haversack.engine.tasks.plain import IMAGE
from haversack.errors import HaversackError, Kind
from haversack.packfile.signature import Signature, TensorSpec
from haversack.serve.protocols.v2_request import InferRequest, header_length, parse

ROWS = Signature(
    inputs=(TensorSpec(name="rows", datatype="FP32", shape=(-1, 4)),),
    outputs=(TensorSpec(name="scores", datatype="FP32", shape=(-1, 3)),),
)
PHOTO = Signature(inputs=(IMAGE,), outputs=())
GOOD: dict[str, Any] = {"name": "rows", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}


def signature(*specs: TensorSpec) -> Signature:
    return Signature(inputs=specs, outputs=())


def read(message: object, *, signature: Signature = ROWS) -> InferRequest:
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    return parse(memoryview(data), None, signature)


def binary(
    tensors: list[dict[str, Any]], tail: bytes, *, signature: Signature = ROWS
) -> InferRequest:
    head = json.dumps({"inputs": tensors}).encode()
    return parse(memoryview(head + tail), len(head), signature)


def refusal(message: object, **options: Any) -> HaversackError:
    with pytest.raises(HaversackError) as caught:
        read(message, **options)
    assert caught.value.kind is Kind.INVALID
    return caught.value


@pytest.mark.parametrize("data", [[1, 2, 3, 4], [[1, 2, 3, 4]]])
def test_data_may_be_flat_or_nested(data: list[Any]) -> None:
    request = read({"id": "7", "inputs": [GOOD | {"data": data}]})
    assert request.id == "7"
    assert request.inputs["rows"].tolist() == [[1, 2, 3, 4]]
    assert (request.outputs, request.is_binary, request.timeout_seconds) == (None, False, None)


def test_a_timeout_is_in_microseconds() -> None:
    message = {"inputs": [GOOD], "parameters": {"timeout": 1500}}
    assert read(message).timeout_seconds == pytest.approx(0.0015)
    assert read(message | {"parameters": {"timeout": 0}}).timeout_seconds is None


@pytest.mark.parametrize("timeout", [-1, "1", 1.5, True, None, [], 1 << 63, 10**400])
def test_a_timeout_that_is_no_whole_number_is_refused(timeout: object) -> None:
    refusal({"inputs": [GOOD], "parameters": {"timeout": timeout}})


def test_binary_tensors_are_taken_in_their_order() -> None:
    specs = [TensorSpec(name=name, datatype="INT16", shape=(-1,)) for name in ("a", "b", "c")]
    tensors: list[dict[str, Any]] = [
        {
            "name": "a",
            "shape": [2],
            "datatype": "INT16",
            "parameters": {"binary_data_size": 4},
        },
        {"name": "b", "shape": [1], "datatype": "INT16", "data": [9]},
        {
            "name": "c",
            "shape": [1],
            "datatype": "INT16",
            "parameters": {"binary_data_size": 2},
        },
    ]
    tail = struct.pack("<3h", 1, -2, 3)
    inputs = binary(tensors, tail, signature=signature(*specs)).inputs
    assert {name: array.tolist() for name, array in inputs.items()} == {
        "a": [1, -2],
        "b": [9],
        "c": [3],
    }


def with_size(size: object) -> dict[str, Any]:
    return {"name": "rows", "shape": [1, 4], "datatype": "FP32"} | {
        "parameters": {"binary_data_size": size}
    }


@pytest.mark.parametrize("size", [-1, 0, 15, 17, 1 << 62, 10**300, 16.0, "16", True, None, [16]])
def test_a_binary_size_that_is_not_the_tensors_is_refused(size: object) -> None:
    with pytest.raises(HaversackError) as caught:
        binary([with_size(size)], b"\0" * 16)
    assert caught.value.kind is Kind.INVALID


@pytest.mark.parametrize("tail", [b"", b"\0" * 15, b"\0" * 17, b"\0" * 32])
def test_a_tail_of_another_length_is_refused(tail: bytes) -> None:
    with pytest.raises(HaversackError):
        binary([with_size(16)], tail)


def test_data_and_a_binary_size_contradict_each_other() -> None:
    with pytest.raises(HaversackError, match="both data and a binary_data_size"):
        binary([with_size(16) | {"data": [1, 2, 3, 4]}], b"\0" * 16)


@pytest.mark.parametrize("text", ["0", "7", "10"])
def test_a_header_length_within_the_body_is_taken(text: str) -> None:
    assert header_length(text, 10) == int(text)
    assert header_length("", 10) is None


@pytest.mark.parametrize(
    "text",
    ["-1", "11", "9" * 18, "9" * 19, "9" * 5000, "ten", "1.0", "1e1", " 1", "+1", "²", "\u0661"],
)
def test_a_header_length_beyond_the_body_or_of_no_number_is_refused(text: str) -> None:
    with pytest.raises(HaversackError) as caught:
        header_length(text, 10)
    assert caught.value.code == "request-invalid"
    assert len(caught.value.message) < 300


def test_a_raw_request_is_one_tensor_of_batch_one() -> None:
    data = struct.pack("<4f", 1, 2, 3, 4)
    request = parse(memoryview(data), 0, ROWS)
    assert request.inputs["rows"].tolist() == [[1, 2, 3, 4]]
    assert request.is_binary


def test_a_raw_request_may_leave_one_side_open() -> None:
    spec = TensorSpec(name="x", datatype="INT16", shape=(-1, -1, 2))
    request = parse(memoryview(b"\1\0" * 6), 0, signature(spec))
    assert request.inputs["x"].shape == (1, 3, 2)


def test_a_raw_request_to_a_pack_of_photos_is_the_photo() -> None:
    request = parse(memoryview(b"\xff\xd8\xff"), 0, PHOTO)
    assert request.inputs["image"].tolist() == [b"\xff\xd8\xff"]


def test_a_raw_tensor_that_is_called_image_is_a_tensor() -> None:
    spec = TensorSpec(name="image", datatype="FP32", shape=(-1, 2))
    request = parse(memoryview(struct.pack("<2f", 1, 2)), 0, signature(spec))
    assert request.inputs["image"].tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("specs", "size"),
    [
        ((TensorSpec(name="a", datatype="FP32", shape=(-1, 4)),), 15),
        ((TensorSpec(name="a", datatype="FP32", shape=(-1, 4)),), 32),
        ((TensorSpec(name="a", datatype="FP32", shape=(-1, -1, -1)),), 16),
        ((TensorSpec(name="a", datatype="FP32", shape=(0, 4)),), 16),
        (
            (
                TensorSpec(name="a", datatype="FP32", shape=(-1,)),
                TensorSpec(name="b", datatype="FP32", shape=(-1,)),
            ),
            4,
        ),
    ],
)
def test_a_raw_request_whose_shape_cannot_be_told_is_refused(
    specs: tuple[TensorSpec, ...], size: int
) -> None:
    with pytest.raises(HaversackError) as caught:
        parse(memoryview(b"\0" * size), 0, signature(*specs))
    assert caught.value.kind is Kind.INVALID


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"[" * 1_000_000,
        b'{"inputs":' * 200_000,
        b'{"inputs":[{"name":"rows","shape":[1,4],"datatype":"FP32","data":' + b"[" * 1_000_000,
        {},
        {"inputs": []},
        {"inputs": [GOOD, GOOD]},
        {"inputs": [GOOD | {"shape": [1 << 40, 1 << 40]}]},
        {"inputs": [GOOD | {"shape": [10**600] * 8}]},
        {"inputs": [GOOD | {"shape": [-1, -4]}]},
        {"inputs": [GOOD | {"data": [1, 2, 3, "4"]}]},
        {"inputs": [GOOD | {"data": None}]},
        b'{"inputs":[{"name":"rows","shape":[1,1],"datatype":"FP32","data":[NaN]}]}',
        b'{"inputs":[{"name":"rows","shape":[1,1],"datatype":"FP32","data":[Infinity]}]}',
    ],
    ids=lambda message: str(message)[:40],
)
def test_what_is_no_request_is_refused_in_a_sentence(message: object) -> None:
    assert len(refusal(message).message) < 2000


def test_nan_in_a_binary_tensor_is_refused() -> None:
    with pytest.raises(HaversackError) as caught:
        binary([with_size(16)], struct.pack("<4f", 1, 2, float("nan"), 4))
    assert caught.value.code == "tensor-not-finite"


PHOTO_BYTES = b"\xff\xd8\xff\0photo"


@pytest.mark.parametrize("wrap", [True, False])
def test_a_photo_in_json_is_base64(wrap: bool) -> None:
    text = base64.b64encode(PHOTO_BYTES).decode()
    data: object = {"b64": text} if wrap else text
    tensor = {"name": "any", "shape": [1], "datatype": "BYTES", "data": [data]}
    request = read({"inputs": [tensor]}, signature=PHOTO)
    assert request.inputs["any"].tolist() == [PHOTO_BYTES]


@pytest.mark.parametrize("item", ["?", {"b64": "?"}, {"b64": 5}, {}, 5, None, ["AAAA"]])
def test_a_photo_that_is_no_base64_is_refused(item: object) -> None:
    tensor = {"name": "any", "shape": [1], "datatype": "BYTES", "data": [item]}
    refusal({"inputs": [tensor]}, signature=PHOTO)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.one_of(st.none(), st.integers(0, 200)))
def test_whatever_the_bytes_are_they_are_read_or_refused(data: bytes, size: int | None) -> None:
    size = None if size is None else min(size, len(data))
    try:
        parse(memoryview(data), size, ROWS)
    except HaversackError as error:
        if error.kind is not Kind.INVALID:
            raise


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(data=JSON, shape=st.lists(st.integers(-2, 6), max_size=4), datatype=st.sampled_from("BI"))
def test_whatever_the_data_are_they_are_read_or_refused(
    data: object, shape: list[int], datatype: str
) -> None:
    tensor = {"name": "x", "shape": shape, "data": data}
    tensor["datatype"] = {"B": "BYTES", "I": "INT8"}[datatype]
    try:
        request = read({"inputs": [tensor]})
    except HaversackError as error:
        if error.kind is not Kind.INVALID:
            raise
    else:
        assert list(request.inputs["x"].shape) == shape
