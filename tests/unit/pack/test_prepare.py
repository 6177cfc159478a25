"""The front of model.onnx gives the numbers that the reference's normalisation gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.unit.pack.conftest import noise, run

from haversack.pack.feeding import Feeding
from haversack.pack.graph.prepare import Layout, NetworkInput, prepare_graph
from haversack.pack.reference.pixels import normalise
from haversack.packfile.manifest import Channels

HEIGHT, WIDTH = 5, 7
PLACEMENT = np.array([[0.5, 0.25, 3, 4]], dtype=np.float32)
RULES: dict[str, dict[str, Any]] = {
    "raw": {},
    "scale": {"scale": 1 / 255},
    "mean": {"mean": (104.0, 117.0, 123.0)},
    "whole": {"scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
    "signed": {"scale": 2 / 255, "mean": (1.0, 1.0, 1.0)},
    "one mean is 0": {"mean": (0.0, 2.0, 0.0), "std": (1.0, 1.0, 4.0)},
}


def wanted(layout: Layout, channels: int, **changes: Any) -> NetworkInput:
    values: dict[str, Any] = {"name": "x", "datatype": "FP32", "width": WIDTH, "height": HEIGHT}
    return NetworkInput(layout=layout, channels=channels, **values | changes)


def prepared(
    pixels: NDArray[np.uint8], to: NetworkInput, rule: Feeding, opset: int = 13
) -> NDArray[Any]:
    placement = PLACEMENT.repeat(len(pixels), axis=0)
    outputs = run(prepare_graph(to, rule, opset=opset), pixels=pixels, placement=placement)
    np.testing.assert_array_equal(outputs["placed"], placement)
    return outputs["network"]


LAYOUTS: tuple[Layout, ...] = ("NCHW", "HWC")


def laid_out(values: NDArray[np.float32], layout: str) -> NDArray[np.float32]:
    planes = values.transpose(2, 0, 1) if layout in ("NCHW", "CHW") else values
    return planes[None] if "N" in layout else planes


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("layout", ["NCHW", "NHWC", "CHW", "HWC"])
@pytest.mark.parametrize("channels", ["RGB", "BGR", "GRAY"])
def test_numbers_and_layout_equal_the_reference(
    channels: Channels, layout: Layout, name: str
) -> None:
    values = dict(RULES[name])
    count = 1 if channels == "GRAY" else 3
    values |= {key: values[key][:count] for key in ("mean", "std") if key in values}
    rule = Feeding(channels=channels, **values)
    pixels = noise(1, HEIGHT, WIDTH)
    got = prepared(pixels[None], wanted(layout, count), rule)
    expected = laid_out(normalise(pixels, rule), layout)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("opset", range(7, 19))
@pytest.mark.parametrize("channels", ["RGB", "BGR", "GRAY"])
def test_every_opset_gives_the_same_numbers(channels: Channels, opset: int) -> None:
    count = 1 if channels == "GRAY" else 3
    rule = Feeding(channels=channels, scale=1 / 255, mean=(0.5,) * count, std=(0.2,) * count)
    pixels = noise(2, HEIGHT, WIDTH)
    for layout in LAYOUTS:
        got = prepared(pixels[None], wanted(layout, count), rule, opset)
        expected = laid_out(normalise(pixels, rule), layout)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("datatype", "dtype", "tolerance"),
    [("FP16", np.float16, 2e-3), ("FP32", np.float32, 1e-6), ("FP64", np.float64, 1e-6)],
)
def test_the_network_gets_the_datatype_it_wants(
    datatype: str, dtype: type, tolerance: float
) -> None:
    pixels = noise(3, HEIGHT, WIDTH)
    rule = Feeding(channels="BGR", scale=1 / 255)
    got = prepared(pixels[None], wanted("NCHW", 3, datatype=datatype), rule)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, laid_out(normalise(pixels, rule), "NCHW"), atol=tolerance)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC", "CHW", "HWC"])
@pytest.mark.parametrize("channels", ["RGB", "BGR", "GRAY"])
def test_uint8_levels_reach_a_uint8_network_unchanged(channels: Channels, layout: Layout) -> None:
    pixels = noise(4, HEIGHT, WIDTH)
    count = 1 if channels == "GRAY" else 3
    rule = Feeding(channels=channels)
    got = prepared(pixels[None], wanted(layout, count, datatype="UINT8"), rule)
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, laid_out(normalise(pixels, rule), layout))


def test_bgr_turns_red_into_the_last_channel() -> None:
    red = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    red[..., 0] = 200
    pairs: list[tuple[Layout, int]] = [("NCHW", 1), ("NHWC", 3)]
    for layout, axis in pairs:
        got = prepared(red, wanted(layout, 3), Feeding(channels="BGR"))
        np.testing.assert_array_equal(got.max(axis=tuple({0, 1, 2, 3} - {axis})), [0, 0, 200])


def test_mean_and_std_are_in_the_networks_order_of_channels() -> None:
    red = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    red[..., 0] = 200
    rule = Feeding(channels="BGR", mean=(1, 2, 3), std=(1, 2, 4))
    got = prepared(red, wanted("NCHW", 3), rule)
    np.testing.assert_allclose(got[0, :, 0, 0], [-1, -1, (200 - 3) / 4])


def test_gray_is_pillows_gray_to_the_level() -> None:
    pixels = noise(5, HEIGHT, WIDTH)
    wide = np.random.default_rng(6).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    for image in (pixels, wide):
        height, width = image.shape[:2]
        to = wanted("NCHW", 1, height=height, width=width)
        got = prepared(image[None], to, Feeding(channels="GRAY"))
        np.testing.assert_array_equal(got[0, 0], np.asarray(Image.fromarray(image).convert("L")))


def test_a_gray_photo_keeps_its_levels() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    to = wanted("NHWC", 1, height=16, width=16)
    got = prepared(levels, to, Feeding(channels="GRAY"))
    np.testing.assert_array_equal(got[..., 0], levels[..., 0])


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("channels", ["RGB", "BGR", "GRAY"])
def test_each_row_of_a_batch_equals_its_photo_alone(channels: Channels, layout: Layout) -> None:
    count = 1 if channels == "GRAY" else 3
    rule = Feeding(channels=channels, scale=1 / 255, mean=(0.5,) * count)
    to = wanted(layout, count, batch="N")
    pixels = np.stack([noise(i, HEIGHT, WIDTH) for i in range(4)])
    together = prepared(pixels, to, rule)
    for i in range(4):
        np.testing.assert_array_equal(together[i : i + 1], prepared(pixels[i : i + 1], to, rule))
