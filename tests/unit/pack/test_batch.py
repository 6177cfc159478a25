"""A graph takes any number of photos only where running shows that none sees another."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from tests.unit.pack.conftest import graph_of, noise, run

from haversack.pack.adapt import adapt_batch
from haversack.pack.feeding import Feeding
from haversack.pack.graph.batch import with_any_batch
from haversack.pack.graph.network import photo_input
from haversack.pack.original import Original, open_original
from haversack.packfile.manifest import InputGeometry

Array = NDArray[Any]
SIDE = 8

PLAIN = """
net (float[1,3,8,8] x) => (float[1,12] y)
<int64[2] shape = {1,-1}, int64[1] start = {0}, int64[1] end = {12}, int64[1] axis = {1}>
{
    flat = Reshape (x, shape)
    y = Slice (flat, start, end, axis)
}"""
# As FastestDet's exporter writes a shuffle: the batch is folded into the leading constant.
SHUFFLE = """
net (float[1,4,6,6] x) => (float[1,2,6,6] even, float[1,2,6,6] odd)
<int64[3] pairs = {2,2,36}, int64[5] apart = {2,-1,2,6,6}, int64 first = {0}, int64 second = {1}>
{
    by_pair = Reshape (x, pairs)
    turned = Transpose <perm = [1, 0, 2]> (by_pair)
    split = Reshape (turned, apart)
    even = Gather <axis = 0> (split, first)
    odd = Gather <axis = 0> (split, second)
}"""
FRONT = """
net (float[1,3,8,8] x) => (float[1,2,8,8] even, float[1,2,8,8] odd)
<float[4,3,1,1] w = {1,0,0,0,1,0,0,0,1,1,1,1}, int64[3] pairs = {2,2,64},
 int64[5] apart = {2,-1,2,8,8}, int64 first = {0}, int64 second = {1}>
{
    four = Conv (x, w)
    by_pair = Reshape (four, pairs)
    turned = Transpose <perm = [1, 0, 2]> (by_pair)
    split = Reshape (turned, apart)
    even = Gather <axis = 0> (split, first)
    odd = Gather <axis = 0> (split, second)
}"""
MEAN = """
net (float[1,3,8,8] x) => (float[1,3,8,8] y)
{
    middle = ReduceMean <axes = [0], keepdims = 1> (x)
    y = Sub (x, middle)
}"""
FOLDED = """
net (float[1,3,8,8] x) => (float[1,3,64] y)
<int64[2] rows = {3,64}, int64[3] whole = {1,3,64}>
{
    folded = Reshape (x, rows)
    soft = Softmax <axis = 0> (folded)
    y = Reshape (soft, whole)
}"""
FIRST_ONLY = """
net (float[1,3,8,8] x) => (float[1,3,8,8] y)
<int64[1] start = {0}, int64[1] end = {1}, int64[1] axis = {0}>
{
    one = Slice (x, start, end, axis)
    y = Identity (one)
}"""


def original_of(model: onnx.ModelProto) -> Original:
    wanted = photo_input(model, None)
    return Original(
        session=open_original(model),
        wanted=wanted,
        geometry=InputGeometry(width=wanted.width, height=wanted.height, geometry="stretch"),
        feeding=Feeding(scale=1 / 255),
    )


def adapted(text: str, photos: list[NDArray[np.uint8]]) -> tuple[onnx.ModelProto, str]:
    model = graph_of(text)
    original = original_of(model)
    network, wanted = adapt_batch(model, original, [original.feed(p)[0] for p in photos])
    return network, wanted.batch


def shown(count: int = 3) -> list[NDArray[np.uint8]]:
    return [noise(i, SIDE, SIDE) for i in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("text", [PLAIN, FRONT], ids=["plain", "shuffle"])
def test_a_graph_that_keeps_photos_apart_takes_any_number(text: str, count: int) -> None:
    network, batch = adapted(text, shown(count))
    assert batch == "N"
    feeds = np.random.default_rng(1).random((4, 3, SIDE, SIDE), np.float32)
    together = run(network, x=feeds)
    for i in range(4):
        for name, values in run(graph_of(text), x=feeds[i : i + 1]).items():
            np.testing.assert_array_equal(together[name][i : i + 1], values)


def test_a_shuffle_with_a_leading_constant_becomes_dynamic() -> None:
    loose = with_any_batch(graph_of(SHUFFLE))
    feeds = np.random.default_rng(2).random((3, 4, 6, 6), np.float32)
    together = run(loose, x=feeds)
    for i in range(3):
        for name, values in run(graph_of(SHUFFLE), x=feeds[i : i + 1]).items():
            np.testing.assert_array_equal(together[name][i : i + 1], values)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("text", [MEAN, FOLDED, FIRST_ONLY], ids=["mean", "folded", "first"])
def test_a_graph_that_mixes_photos_stays_at_one(text: str, count: int) -> None:
    network, batch = adapted(text, shown(count))
    assert batch == "1"
    assert network.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1
    feed = np.random.default_rng(3).random((1, 3, SIDE, SIDE), np.float32)
    np.testing.assert_array_equal(run(network, x=feed)["y"], run(graph_of(text), x=feed)["y"])


@pytest.mark.parametrize("photos", [1, 3])
def test_samples_that_are_all_alike_do_not_hide_a_mixture(photos: int) -> None:
    flat = np.full((SIDE, SIDE, 3), 90, np.uint8)
    _, batch = adapted(MEAN, [flat] * photos)
    assert batch == "1"


def test_a_graph_that_says_it_takes_any_number_is_not_believed_either() -> None:
    mixed = MEAN.replace("[1,3", "[N,3")
    assert adapted(mixed, shown())[1] == "1"
    honest = PLAIN.replace("[1,3", "[N,3").replace("[1,12", "[N,12").replace("{1,-1}", "{0,-1}")
    assert adapted(honest, shown())[1] == "N"


def test_boxes_listed_one_a_photo_are_not_taken_for_a_batch() -> None:
    text = """
net (float[1,3,8,8] x) => (float[M,4] boxes)
<int64[3] flat = {0,1,-1}, float half = {0.9}, int64[1] four = {4}, int64[1] axis = {1},
 float[1] level = {0.75}, int64[1] most = {1}>
{
    red = ReduceMean <axes = [1, 2, 3], keepdims = 0> (x)
    bright = Greater (red, level)
    place = NonZero (bright)
    rows = Transpose <perm = [1, 0]> (place)
    float_rows = Cast <to = 1> (rows)
    boxes = Concat <axis = 1> (float_rows, float_rows, float_rows, float_rows)
}"""
    bright = [np.full((SIDE, SIDE, 3), level, np.uint8) for level in (230, 240, 250)]
    model = graph_of(text)
    original = original_of(model)
    feeds = [original.feed(p)[0] for p in bright]
    together = run(with_any_batch(model), x=np.concatenate(feeds))["boxes"]
    assert together.shape == (3, 4), "each has one box: it looks like a batch"
    assert adapted(text, bright)[1] == "1"


def test_a_graph_without_a_batch_stays_without() -> None:
    text = "net (float[3,8,8] x) => (float[3,8,8] y) { y = Relu (x) }"
    network, batch = adapted(text, shown())
    assert batch == "1"
    assert len(network.graph.input[0].type.tensor_type.shape.dim) == 3


def test_the_given_graph_is_not_changed() -> None:
    model = graph_of(PLAIN)
    before = model.SerializeToString()
    with_any_batch(model)
    adapt_batch(model, original_of(model), [original_of(model).feed(p)[0] for p in shown()])
    assert model.SerializeToString() == before


def test_a_reshape_of_weights_keeps_its_shape() -> None:
    text = """
net (float[1,3,8,8] x) => (float[1,2,8,8] y)
<float[6] flat = {1,2,3,4,5,6}, int64[4] kernel = {2,3,1,1}>
{
    w = Reshape (flat, kernel)
    y = Conv (x, w)
}"""
    loose = with_any_batch(graph_of(text))
    assert run(loose, x=np.ones((3, 3, 8, 8), np.float32))["y"].shape == (3, 2, 8, 8)
