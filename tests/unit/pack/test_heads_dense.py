"""The softmax, probabilities and argmax heads, and the choice of a head."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.pack.conftest import run

from haversack.errors import ImportRefusedError
from haversack.pack.decoding import Decoding
from haversack.pack.graph.heads import argmax, classify, table
from haversack.pack.reference import decode
from haversack.pack.reference.pixels import Placed
from haversack.packfile.signature import TensorSpec

Array = NDArray[Any]
OPSETS = [7, 9, 11, 13, 17, 18]
WIDTH, HEIGHT = 12, 8


def decoding(shape: tuple[int, ...], datatype: str = "FP32", **changes: Any) -> Decoding:
    values: dict[str, Any] = {"width": WIDTH, "height": HEIGHT, "labels": 0, "opset": 13}
    outputs = (TensorSpec(name="logits", datatype=datatype, shape=shape),)
    return Decoding(outputs=outputs, **values | changes)


def logits(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(sum(shape)).normal(0, 5, shape).astype(np.float32)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("rest", [(5,), (5, 1, 1), (1, 1, 5)])
def test_softmax_gives_each_photos_probabilities(rest: tuple[int, ...], opset: int) -> None:
    raw = logits(3, *rest)
    built = classify.build_softmax(decoding((1, *rest), opset=opset, batch="N", labels=5))
    got = run(built.model, raw_0=raw)["probabilities"]
    assert got.shape == (3, 5)
    for i in range(3):
        np.testing.assert_allclose(got[i], decode.softmax(raw[i]), atol=1e-6)


def test_softmax_by_hand_and_without_overflow() -> None:
    raw = np.array([[np.log(1), np.log(3), -np.inf], [1000, 1000, 0]], np.float32)
    raw[0, 2] = -1000
    got = run(classify.build_softmax(decoding((1, 3), batch="N")).model, raw_0=raw)["probabilities"]
    np.testing.assert_allclose(got, [[0.25, 0.75, 0], [0.5, 0.5, 0]], atol=1e-6)


@pytest.mark.parametrize("opset", OPSETS)
def test_probabilities_pass_as_they_are(opset: int) -> None:
    raw = logits(2, 5)
    built = classify.build_probabilities(decoding((1, 5), opset=opset, batch="N"))
    np.testing.assert_array_equal(run(built.model, raw_0=raw)["probabilities"], raw)


@pytest.mark.parametrize("build", [classify.build_softmax, classify.build_probabilities])
@pytest.mark.parametrize(
    ("shape", "labels", "datatype"),
    [((1, 5), 4, "FP32"), ((1, 5, 2, 2), 0, "FP32"), ((1, 5, 1), 0, "FP32"), ((1, 5), 5, "INT64")],
)
def test_classifiers_refuse_other_outputs(
    build: Any, shape: tuple[int, ...], labels: int, datatype: str
) -> None:
    with pytest.raises(ImportRefusedError, match=r"logits") as caught:
        build(decoding(shape, datatype, labels=labels))
    assert caught.value.code == "outputs-unknown"


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("planes", [True, False])
def test_argmax_names_the_surest_class_of_each_pixel(planes: bool, opset: int) -> None:
    shape = (3, HEIGHT, WIDTH) if planes else (HEIGHT, WIDTH, 3)
    raw = logits(2, *shape)
    built = argmax.build(decoding((1, *shape), opset=opset, batch="N"))
    got = run(built.model, raw_0=raw)["labels"]
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, raw.argmax(axis=1 if planes else 3))


@pytest.mark.parametrize("opset", [11, 13, 17, 18])
@pytest.mark.parametrize("planes", [True, False])
@pytest.mark.parametrize(("rows", "columns"), [(4, 6), (2, 3), (3, 5)])
def test_argmax_of_a_smaller_output_is_of_its_logits_enlarged(
    rows: int, columns: int, planes: bool, opset: int
) -> None:
    shape = (7, rows, columns) if planes else (rows, columns, 7)
    raw = logits(1, *shape)
    seen = decoding((1, *shape), opset=opset, labels=7)
    got = run(argmax.build(seen).model, raw_0=raw)["labels"]
    assert got.shape == (1, HEIGHT, WIDTH)
    placed = Placed(
        pixels=np.zeros((HEIGHT, WIDTH, 3), np.uint8), scale=(1.0, 1.0), offset=(0.0, 0.0)
    )
    expected = decode.label_map(raw[0], placed, (WIDTH, HEIGHT), seen)
    assert (got[0] == expected).mean() >= 0.98  # a tie may fall either way


def test_argmax_enlarges_by_hand() -> None:
    raw = np.zeros((1, 2, 1, 4), np.float32)
    raw[0, 1, 0] = [-3, -1, 0.1, 1]  # half-pixel: -3 -2.5 -1.5 -.725 -.175 .325 .775 1
    seen = decoding((1, 2, 1, 4), labels=2, width=8, height=4)
    got = run(argmax.build(seen).model, raw_0=raw)["labels"]
    np.testing.assert_array_equal(got[0], [[0, 0, 0, 0, 0, 1, 1, 1]] * 4)


def test_argmax_does_not_guess_where_columns_and_classes_are_as_many() -> None:
    with pytest.raises(ImportRefusedError):
        argmax.build(decoding((1, 2, 1, 2), labels=2))


def test_only_an_argmax_that_enlarges_needs_the_newer_resize() -> None:
    head = table.HEADS["argmax"]
    assert head.lowest_opset(decoding((1, 3, HEIGHT, WIDTH))) == 7
    assert head.lowest_opset(decoding((1, HEIGHT, WIDTH, 3))) == 7
    assert head.lowest_opset(decoding((1, 3, HEIGHT // 2, WIDTH // 2), labels=3)) == 11


def test_a_label_map_follows_its_placement_onto_the_photo() -> None:
    raw = np.zeros((2, HEIGHT, WIDTH), np.float32)
    raw[1, 2:6, 3:9] = 1
    placed = Placed(
        pixels=np.zeros((HEIGHT, WIDTH, 3), np.uint8), scale=(0.5, 0.5), offset=(1.0, 2.0)
    )
    seen = decoding((1, 2, HEIGHT, WIDTH), labels=2)
    got = decode.label_map(raw, placed, (20, 8), seen)
    expected = np.zeros((8, 20), np.uint8)
    expected[0:8, 4:16] = 1
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("shape", "labels"),
    [((1, 300, HEIGHT, WIDTH), 300), ((1, 3, HEIGHT, WIDTH), 4), ((1, 3, 4), 0), ((1, 3, 4, 6), 0)],
)
def test_argmax_refuses_what_it_cannot_tell(shape: tuple[int, ...], labels: int) -> None:
    with pytest.raises(ImportRefusedError) as caught:
        argmax.build(decoding(shape, labels=labels))
    assert caught.value.code == "outputs-unknown"
    assert "--labels" in caught.value.hint


def test_without_a_head_the_hint_lists_those_that_fit() -> None:
    with pytest.raises(ImportRefusedError, match="logits FP32") as caught:
        table.choose("", decoding((1, 5)))
    assert caught.value.code == "head-unknown"
    assert "--head softmax" in caught.value.hint
    assert "--head probabilities" in caught.value.hint
    assert "yolox" not in caught.value.hint


def test_without_a_head_and_none_that_fits_the_hint_offers_none() -> None:
    with pytest.raises(ImportRefusedError) as caught:
        table.choose("", decoding((7,)))
    assert "--head none" in caught.value.hint


def test_an_unknown_head_is_named_with_those_there_are() -> None:
    with pytest.raises(ImportRefusedError, match=r"'yolo'.*yolox, fastestdet, boxes") as caught:
        table.choose("yolo", decoding((1, 5)))
    assert caught.value.code == "head-unknown"


def test_every_head_in_the_table_has_its_own_name() -> None:
    assert all(head.name == name for name, head in table.HEADS.items())
    assert table.NONE not in table.HEADS
