"""Tensors survive the trip over the wire; what would change on it is refused."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from haversack.engine.session import Array
from haversack.engine.tensors import (
    NUMPY,
    TensorError,
    check,
    datatype_of,
    elements,
    from_bytes,
    from_json,
    number_array,
    to_bytes,
    to_json,
    to_session,
)
from haversack.packfile.signature import Signature, TensorSpec

NUMBERS = sorted(set(NUMPY) - {"BYTES"})
INTEGERS = [name for name in NUMBERS if NUMPY[name].kind in "iu"]
FLOATS = [name for name in NUMBERS if NUMPY[name].kind == "f"]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, max_side=4)


def arrays(datatype: str) -> st.SearchStrategy[Array]:
    elements = {"allow_nan": False, "allow_infinity": False} if datatype in FLOATS else None
    return hnp.arrays(NUMPY[datatype], SHAPES, elements=elements)


@pytest.mark.parametrize("datatype", NUMBERS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_numbers_come_back_from_bytes_and_json_as_they_were(
    datatype: str, data: st.DataObject
) -> None:
    array = data.draw(arrays(datatype))
    assert datatype_of(array) == datatype
    sent = to_bytes(array)
    back = from_bytes("x", datatype, array.shape, memoryview(sent))
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype
    flat, is_lossy = to_json(array)
    assert not is_lossy
    wired = json.loads(json.dumps(flat))
    np.testing.assert_array_equal(from_json("x", datatype, array.shape, wired), array)
    if array.ndim:
        nested = json.loads(json.dumps(array.tolist()))
        np.testing.assert_array_equal(from_json("x", datatype, array.shape, nested), array)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=8))
@settings(deadline=None)
def test_texts_come_back_from_bytes_as_they_were(items: list[bytes]) -> None:
    array = np.empty(len(items), dtype=np.object_)
    array[:] = items
    sent = to_bytes(array)
    back = from_bytes("x", "BYTES", (len(items), 1), memoryview(sent))
    assert back.reshape(-1).tolist() == items
    assert datatype_of(back) == "BYTES"


@given(st.lists(st.text(max_size=8), min_size=1, max_size=8))
@settings(deadline=None)
def test_texts_come_back_from_json_as_they_were(items: list[str]) -> None:
    array = from_json("x", "BYTES", (len(items),), items)
    assert to_json(array) == (items, False)
    assert to_session(array).tolist() == items


def test_bytes_are_little_endian_whatever_the_array_is() -> None:
    assert to_bytes(np.array([1], dtype=">i4")) == b"\1\0\0\0"
    assert to_bytes(np.arange(6, dtype=np.int8).reshape(2, 3).T) == bytes([0, 3, 1, 4, 2, 5])
    assert datatype_of(np.array([1], dtype=">i4")) == "INT32"


@pytest.mark.parametrize("datatype", INTEGERS)
def test_a_whole_number_beyond_its_type_is_refused(datatype: str) -> None:
    dtype: Any = NUMPY[datatype]
    limits = np.iinfo(dtype)
    for value in (int(limits.min), int(limits.max)):
        assert from_json("x", datatype, [1], [value]).tolist() == [value]
    for value in (int(limits.min) - 1, int(limits.max) + 1, 1 << 70, 10**400):
        with pytest.raises(TensorError) as caught:
            from_json("x", datatype, [1], [value])
        assert caught.value.code == "tensor-value"


@pytest.mark.parametrize("datatype", INTEGERS)
@pytest.mark.parametrize("value", [1.5, 1.0, True, None, "1", {}])
def test_what_is_no_whole_number_is_refused_for_whole_numbers(datatype: str, value: object) -> None:
    with pytest.raises(TensorError) as caught:
        from_json("x", datatype, [1], [value])
    assert caught.value.code == "tensor-value"


@pytest.mark.parametrize(("datatype", "value"), [("FP16", 7e4), ("FP32", 1e39), ("FP64", 1e400)])
def test_a_number_too_large_for_its_type_is_refused(datatype: str, value: float) -> None:
    with pytest.raises(TensorError) as caught:
        from_json("x", datatype, [1], [value])
    assert caught.value.code == "tensor-not-finite"


@pytest.mark.parametrize("value", [0, 1, 0.5, "true", None])
def test_only_true_and_false_are_bool(value: object) -> None:
    assert from_json("x", "BOOL", [2], [True, False]).tolist() == [True, False]
    with pytest.raises(TensorError):
        from_json("x", "BOOL", [1], [value])


def test_a_byte_that_is_no_bool_is_refused() -> None:
    assert from_bytes("x", "BOOL", [2], memoryview(b"\0\1")).tolist() == [False, True]
    with pytest.raises(TensorError):
        from_bytes("x", "BOOL", [2], memoryview(b"\0\2"))


@pytest.mark.parametrize(
    "data",
    [
        [[1, 2], [3]],
        [[1, 2], 3],
        [[], [1]],
        [[1], [2], [3], [4]],
        [[1, 2, 3, 4], [1, 2, 3, 4]],
        [],
        [1, 2, 3],
        [1, 2, 3, 4, 5],
        {},
        "1234",
        7,
        None,
        [[[[[1]]]], 1],
    ],
)
@pytest.mark.parametrize("datatype", ["FP32", "INT64", "BYTES"])
def test_lists_of_another_form_are_refused(datatype: str, data: Any) -> None:
    with pytest.raises(TensorError):
        from_json("x", datatype, [1, 4], data)


def test_lists_nested_beyond_every_array_are_refused() -> None:
    deep: list[Any] = [1]
    for _ in range(900):
        deep = [deep]
    for datatype in ("FP32", "BYTES"):
        with pytest.raises(TensorError):
            from_json("x", datatype, [1], deep)


@pytest.mark.parametrize("nest", [lambda items: items, lambda items: [[item] for item in items]])
def test_a_long_text_among_numbers_takes_no_memory_for_each(nest: Any) -> None:
    # numpy would give each of them 400 KB: 40 GB together.
    items = nest([1] * 100_000 + ["x" * 100_000])
    for dtype in ("FP32", "INT8", "BOOL"):
        with pytest.raises(TensorError, match="received text"):
            number_array("x", items, NUMPY[dtype])


@pytest.mark.parametrize("datatype", FLOATS)
def test_nan_is_refused_in_bytes(datatype: str) -> None:
    data = to_bytes(np.array([0, np.nan], dtype=NUMPY[datatype]))
    with pytest.raises(TensorError) as caught:
        from_bytes("x", datatype, [2], memoryview(data))
    assert caught.value.code == "tensor-not-finite"


@pytest.mark.parametrize("shape", [[0], [-1], [1, 0], [1] * 33, [1 << 32, 1 << 31], [10**600] * 9])
def test_a_shape_that_cannot_be_is_refused_in_a_sentence(shape: list[int]) -> None:
    with pytest.raises(TensorError) as caught:
        elements("x", shape)
    assert caught.value.code == "shape-invalid"
    assert len(caught.value.message) < 300


def test_a_shape_without_sides_is_one_element() -> None:
    assert elements("x", []) == 1
    assert from_json("x", "FP32", [], [2.5]).shape == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\1\0\0",
        struct.pack("<I", 5) + b"abc",
        struct.pack("<I", 0xFFFFFFFF),
        struct.pack("<I", 1) + b"a" + b"more",
        struct.pack("<I", 1) + b"a",
    ],
)
def test_texts_whose_lengths_lie_are_refused(data: bytes) -> None:
    with pytest.raises(TensorError) as caught:
        from_bytes("x", "BYTES", [2], memoryview(data))
    assert caught.value.code == "tensor-size"


@given(st.binary(max_size=60), st.sampled_from(sorted(NUMPY)), st.lists(st.integers(-1, 9)))
@settings(max_examples=300, deadline=None)
def test_whatever_the_bytes_are_they_are_a_tensor_or_refused(
    data: bytes, datatype: str, shape: list[int]
) -> None:
    try:
        array = from_bytes("x", datatype, shape, memoryview(data))
    except TensorError:
        return
    assert list(array.shape) == shape
    assert to_bytes(array) == data


def test_an_unknown_datatype_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(TensorError, match="FP64"):
        from_json("x", "FP8", [1], [1])


SIGNATURE = Signature(
    inputs=(
        TensorSpec(name="a", datatype="FP32", shape=(-1, 2)),
        TensorSpec(name="b", datatype="BYTES", shape=(-1,)),
    ),
    outputs=(),
)


def test_inputs_that_fit_are_passed_and_all_others_are_named() -> None:
    a, b = np.zeros((5, 2), dtype=np.float32), np.array(["x"], dtype=np.object_)
    check(SIGNATURE, {"a": a, "b": b})
    cases: list[tuple[dict[str, Array], list[str]]] = [
        ({"a": a}, ["'b' is missing"]),
        ({"a": a, "b": b, "c": a}, ["'c' is not an input"]),
        ({"a": a[0], "b": b}, ["'a' is FP32[2]"]),
        ({"a": a[:, :1], "b": a}, ["'a' is FP32[5, 1]", "'b' is FP32[5, 2]"]),
        ({"a": a.astype(np.float64), "b": b}, ["'a' is FP64[5, 2]"]),
    ]
    for inputs, faults in cases:
        with pytest.raises(TensorError) as caught:
            check(SIGNATURE, inputs)
        assert all(fault in caught.value.message for fault in faults)


def test_a_text_that_is_not_utf8_is_refused_before_the_model() -> None:
    with pytest.raises(TensorError, match="UTF-8"):
        to_session(np.array([b"\xff"], dtype=np.object_))
