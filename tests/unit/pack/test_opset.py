"""A network moves to another opset only where its outputs stay the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import version_converter
from tests.unit.pack.conftest import graph_of, noise, run

from haversack.errors import ImportRefusedError
from haversack.pack.adapt import adapt_opset
from haversack.pack.feeding import Feeding
from haversack.pack.graph.network import opset_of, photo_input
from haversack.pack.graph.opset import HIGHEST, at_opset
from haversack.pack.original import Original, open_original
from haversack.packfile.manifest import InputGeometry

RELU = "net (float[1,3,4,6] x) => (float[1,3,4,6] y) { y = Relu (x) }"
OLD_RESIZE = """
net (float[1,3,4,6] x) => (float[1,3,10,9] y)
<float[4] scales = {1,1,2.5,1.5}>
{ y = Upsample <mode = "MODE"> (x, scales) }"""
SOFTMAX = "net (float[1,3,4,6] x) => (float[1,3,4,6] y) { y = Softmax <axis = 1> (x) }"


def original_of(model: onnx.ModelProto) -> Original:
    wanted = photo_input(model, None)
    return Original(
        session=open_original(model),
        wanted=wanted,
        geometry=InputGeometry(width=wanted.width, height=wanted.height, geometry="stretch"),
        feeding=Feeding(scale=1 / 255),
    )


def feeds_of(original: Original) -> list[NDArray[Any]]:
    return [original.feed(noise(seed, 4, 6))[0] for seed in range(2)]


@pytest.mark.parametrize("opset", [11, 13, 18])
def test_a_graph_that_is_there_already_is_the_same_object(opset: int) -> None:
    model = graph_of(RELU, opset=opset)
    assert at_opset(model, 11) is model


@pytest.mark.parametrize(("own", "lowest", "target"), [(9, 11, 11), (9, 7, 9), (20, 11, HIGHEST)])
def test_the_target_is_the_nearest_that_serves(own: int, lowest: int, target: int) -> None:
    assert opset_of(at_opset(graph_of(RELU, opset=own), lowest)) == target


@pytest.mark.parametrize("opset", [11, 13, 18])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_an_old_upsample_keeps_its_meaning(mode: str, opset: int) -> None:
    model = graph_of(OLD_RESIZE.replace("MODE", mode), opset=9)
    x = np.random.default_rng(1).random((1, 3, 4, 6), np.float32)
    before = run(model, x=x)["y"]
    bare = run(version_converter.convert_version(model, opset), x=x)["y"]
    if mode == "linear":
        assert np.abs(bare - before).max() > 0.01, "the converter alone is wrong"
    np.testing.assert_allclose(run(at_opset(model, opset), x=x)["y"], before, atol=1e-6)


def test_a_softmax_over_all_the_rest_keeps_its_meaning() -> None:
    model = graph_of(SOFTMAX, opset=11)
    x = np.random.default_rng(2).random((1, 3, 4, 6), np.float32)
    np.testing.assert_allclose(run(at_opset(model, 13), x=x)["y"], run(model, x=x)["y"], rtol=1e-5)


def test_a_conversion_that_keeps_the_outputs_is_believed() -> None:
    model = graph_of(OLD_RESIZE.replace("MODE", "nearest"), opset=9)
    original = original_of(model)
    adapted = adapt_opset(model, 11, original, feeds_of(original))
    assert opset_of(adapted) == 11


def test_a_conversion_that_changes_the_outputs_is_refused() -> None:
    # The original is the graph before someone doctored it: one weight is another.
    text = "net (float[1,3,4,6] x) => (float[1,3,4,6] y) <float w = {W}> { y = Mul (x, w) }"
    original = original_of(graph_of(text.replace("W}", "1.0}"), opset=9))
    doctored = graph_of(text.replace("W}", "1.001}"), opset=9)
    with pytest.raises(ImportRefusedError, match="opset 9 and 11") as caught:
        adapt_opset(doctored, 11, original, feeds_of(original))
    assert caught.value.code == "opset-changes-outputs"
    assert "opset_version=18" in caught.value.hint


def test_a_difference_of_the_last_bits_is_believed() -> None:
    text = "net (float[1,3,4,6] x) => (float[1,3,4,6] y) <float w = {W}> { y = Mul (x, w) }"
    original = original_of(graph_of(text.replace("W}", "1.0}"), opset=9))
    near = graph_of(text.replace("W}", "1.00001}"), opset=9)
    assert opset_of(adapt_opset(near, 11, original, feeds_of(original))) == 11


def test_a_conversion_that_turns_a_value_into_nan_is_refused() -> None:
    original = original_of(graph_of(RELU, opset=9))
    text = RELU.replace("y = Relu (x)", "z = Sub (x, x)\n w = Div (z, z)\n y = Add (w, x)")
    with pytest.raises(ImportRefusedError) as caught:
        adapt_opset(graph_of(text, opset=9), 11, original, feeds_of(original))
    assert caught.value.code == "opset-changes-outputs"


def test_a_newer_operator_without_a_way_down_is_refused_with_a_hint() -> None:
    text = "net (float[1,3,4,6] x) => (float[1,3,4,6] y) { y = Gelu (x) }"
    with pytest.raises(ImportRefusedError, match="opset 20") as caught:
        at_opset(graph_of(text, opset=20), 11)
    assert caught.value.code == "opset-unsupported"
    assert "opset_version=18" in caught.value.hint
