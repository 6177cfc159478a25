"""fit.onnx does in uint8 and whole numbers what Pillow and numpy do by the model's own rule."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.unit.pack.conftest import noise

from haversack.engine.ort import OrtSession, open_session
from haversack.engine.session import SessionOptions
from haversack.errors import ImportRefusedError
from haversack.pack.graph.fit import fit_graph
from haversack.pack.reference.pixels import place
from haversack.packfile.manifest import InputGeometry

KERNELS = [("linear", False), ("linear", True), ("cubic", True), ("nearest", False)]
# (width, height): tiny, the letterbox trap, exact, odd, wide, tall, larger and smaller than a frame
SIZES = [
    (1, 1),
    (2, 1),
    (133, 100),
    (100, 133),
    (133, 320),
    (96, 64),
    (97, 63),
    (31, 200),
    (640, 427),
    (50, 40),
]
FRAME = (96, 64)


def geometry(**changes: Any) -> InputGeometry:
    values: dict[str, Any] = {"width": FRAME[0], "height": FRAME[1], "geometry": "letterbox"}
    return InputGeometry(**values | changes)


@cache
def session(wanted: InputGeometry) -> OrtSession:
    return open_session(fit_graph(wanted).SerializeToString(), SessionOptions(threads=1))


def fit(
    image: NDArray[np.uint8], wanted: InputGeometry
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    outputs = session(wanted).run({"image": image})
    return outputs["pixels"], outputs["placement"]


def smooth(width: int, height: int) -> NDArray[np.uint8]:
    """A photo-like photo: slopes, a disc and a little noise."""
    y, x = np.mgrid[0:height, 0:width]
    levels = np.stack([x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height)], -1)
    levels[np.hypot(x - width / 2, y - height / 3) < min(width, height) / 4] = 220
    levels += np.random.default_rng(width * height).normal(0, 8, levels.shape)
    return np.asarray(np.clip(levels, 0, 255), dtype=np.uint8)


def assert_same(image: NDArray[np.uint8], wanted: InputGeometry) -> None:
    pixels, placement = fit(image, wanted)
    expected = place(image, wanted)
    # Exact: the placement's only rounding is that of one float32 division.
    np.testing.assert_array_equal(
        placement, np.array([*expected.scale, *expected.offset], dtype=np.float32)
    )
    assert pixels.shape == (wanted.height, wanted.width, 3)
    off = np.abs(pixels.astype(int) - expected.pixels.astype(int))
    if wanted.kernel == "nearest":
        assert off.max() == 0
    elif wanted.kernel == "linear" and not wanted.antialias:
        assert off.max() <= 1
    else:
        assert (off <= 2).mean() >= 0.98


@pytest.mark.parametrize("rounding", ["floor", "round"])
@pytest.mark.parametrize("anchor", ["top-left", "centre"])
@pytest.mark.parametrize(("kernel", "antialias"), KERNELS)
def test_letterbox_equals_the_reference(
    kernel: str, antialias: bool, anchor: str, rounding: str
) -> None:
    wanted = geometry(kernel=kernel, antialias=antialias, anchor=anchor, rounding=rounding)
    for width, height in SIZES:
        assert_same(smooth(width, height), wanted)


@pytest.mark.parametrize(("kernel", "antialias"), KERNELS)
def test_stretch_equals_the_reference(kernel: str, antialias: bool) -> None:
    wanted = geometry(geometry="stretch", kernel=kernel, antialias=antialias)
    for width, height in SIZES:
        assert_same(smooth(width, height), wanted)


@pytest.mark.parametrize("rounding", ["floor", "round"])
@pytest.mark.parametrize("crop", [1.0, 0.875, 0.5])
@pytest.mark.parametrize(("kernel", "antialias"), KERNELS)
def test_crop_equals_the_reference(
    kernel: str, antialias: bool, crop: float, rounding: str
) -> None:
    wanted = geometry(
        geometry="crop", crop=crop, kernel=kernel, antialias=antialias, rounding=rounding
    )
    for width, height in SIZES:
        assert_same(smooth(width, height), wanted)


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1)])
@pytest.mark.parametrize("shape", ["letterbox", "stretch"])
def test_a_line_of_pixels_keeps_a_pixel_of_width(shape: str, size: tuple[int, int]) -> None:
    wanted = geometry(geometry=shape)
    assert_same(smooth(*size), wanted)
    if shape == "letterbox":
        _, placement = fit(smooth(*size), wanted)
        assert min(placement[0] * size[0], placement[1] * size[1]) == pytest.approx(1)


def test_a_letterbox_in_whole_numbers_does_not_lose_the_pixel_that_floats_lose() -> None:
    frame = 320
    wanted = geometry(width=frame, height=frame)
    ratio = np.float32(frame) / np.float32(133)
    assert int(np.float32(133) * ratio) == frame - 1, "floats lose it: the trap is real"
    pixels, placement = fit(np.full((133, 133, 3), 7, np.uint8), wanted)
    assert (pixels == 7).all(), "no padding: the photo has the frame's shape"
    assert placement[0] == np.float32(frame) / np.float32(133)


def test_the_longer_side_fills_the_frame_for_every_size() -> None:
    wanted = geometry(width=320, height=320, pad=255)
    for side in range(1, 700, 11):
        pixels, _ = fit(np.zeros((max(1, side // 2), side, 3), np.uint8), wanted)
        assert not pixels[0].any(), f"{side} px wide lost a column"


@pytest.mark.parametrize("pad", [0, 114, 255])
def test_the_padding_is_exactly_the_pad_level_after_a_top_left_photo(pad: int) -> None:
    image = np.full((32, 96, 3), 50, np.uint8)
    pixels, placement = fit(image, geometry(pad=pad))
    assert (pixels[:32] == 50).all()
    assert (pixels[32:] == pad).all()
    np.testing.assert_array_equal(placement, [1, 1, 0, 0])


def test_the_odd_pixel_of_centred_padding_comes_after_the_photo() -> None:
    image = np.full((33, 96, 3), 50, np.uint8)
    pixels, placement = fit(image, geometry(anchor="centre", pad=9))
    np.testing.assert_array_equal(placement, [1, 1, 0, 15])  # 31 rows are spare: 15 + 16
    assert (pixels[:15] == 9).all()
    assert (pixels[15:48] == 50).all()
    assert (pixels[48:] == 9).all()


@pytest.mark.parametrize(("kernel", "antialias"), KERNELS)
@pytest.mark.parametrize("shape", ["letterbox", "stretch", "crop"])
def test_a_photo_of_the_frames_size_is_untouched(shape: str, kernel: str, antialias: bool) -> None:
    image = noise(1, FRAME[1], FRAME[0])
    wanted = geometry(geometry=shape, kernel=kernel, antialias=antialias)
    pixels, placement = fit(image, wanted)
    np.testing.assert_array_equal(pixels, image)
    np.testing.assert_array_equal(placement, [1, 1, 0, 0])


@pytest.mark.parametrize("kernel", ["linear", "cubic"])
def test_antialias_is_pillows(kernel: str) -> None:
    image = smooth(640, 427)
    pixels, _ = fit(image, geometry(geometry="stretch", kernel=kernel, antialias=True))
    filters = {"linear": Image.Resampling.BILINEAR, "cubic": Image.Resampling.BICUBIC}
    expected = np.asarray(Image.fromarray(image).resize(FRAME, filters[kernel]))
    assert np.abs(pixels.astype(int) - expected.astype(int)).max() <= 2


def test_halving_linearly_takes_the_mean_of_four_pixels() -> None:
    image = noise(2, FRAME[1] * 2, FRAME[0] * 2)
    pixels, _ = fit(image, geometry(geometry="stretch"))
    mean = image.reshape(FRAME[1], 2, FRAME[0], 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(pixels - mean).max() <= 1


def test_doubling_by_nearest_repeats_pixels() -> None:
    image = noise(3, FRAME[1] // 2, FRAME[0] // 2)
    pixels, _ = fit(image, geometry(geometry="stretch", kernel="nearest"))
    np.testing.assert_array_equal(pixels, image.repeat(2, axis=0).repeat(2, axis=1))


def test_thirding_by_nearest_takes_the_middle_pixel() -> None:
    image = noise(4, FRAME[1] * 3, FRAME[0] * 3)
    pixels, _ = fit(image, geometry(geometry="stretch", kernel="nearest"))
    np.testing.assert_array_equal(pixels, image[1::3, 1::3])


def test_nearest_takes_the_pixel_after_an_edge_that_a_centre_lies_on() -> None:
    wanted = geometry(width=192, height=1, geometry="stretch", kernel="nearest")
    ramp = np.arange(640, dtype=np.int64) % 251
    pixels, _ = fit(ramp.astype(np.uint8)[None, :, None].repeat(3, axis=2), wanted)
    places = (2 * np.arange(192) + 1) * 640 // (2 * 192)
    np.testing.assert_array_equal(pixels[0, :, 0], ramp[places])


def test_halving_by_nearest_is_pillows_nearest() -> None:
    image = noise(5, FRAME[1] * 2, FRAME[0] * 2)
    pixels, _ = fit(image, geometry(geometry="stretch", kernel="nearest"))
    expected = Image.fromarray(image).resize(FRAME, Image.Resampling.NEAREST)
    np.testing.assert_array_equal(pixels, np.asarray(expected))


def test_the_imagenet_crop_is_the_middle_224_of_the_shorter_side_at_256() -> None:
    wanted = geometry(width=224, height=224, geometry="crop", crop=0.875, antialias=True)
    image = smooth(512, 384)
    pixels, placement = fit(image, wanted)
    np.testing.assert_array_equal(placement, np.array([341 / 512, 256 / 384, -58, -16], np.float32))
    whole = Image.fromarray(image).resize((341, 256), Image.Resampling.BILINEAR)
    expected = np.asarray(whole)[16:240, 58:282]
    assert np.abs(pixels.astype(int) - expected.astype(int)).max() <= 1


def test_an_edge_of_the_photo_lies_where_placement_says() -> None:
    image = np.zeros((400, 600, 3), np.uint8)
    image[100:300, 150:450] = 255
    for anchor in ("top-left", "centre"):
        pixels, placement = fit(image, geometry(pad=0, anchor=anchor))
        scale_x, scale_y, offset_x, offset_y = placement
        rows, columns = np.nonzero(pixels[..., 0] > 127)
        assert abs(columns.min() - (150 * scale_x + offset_x)) <= 0.5
        assert abs(columns.max() + 1 - (450 * scale_x + offset_x)) <= 0.5
        assert abs(rows.min() - (100 * scale_y + offset_y)) <= 0.5
        assert abs(rows.max() + 1 - (300 * scale_y + offset_y)) <= 0.5


@pytest.mark.parametrize(
    ("kernel", "antialias"),
    sorted(set(itertools.product(["linear", "cubic", "nearest"], [False, True])) - set(KERNELS)),
)
def test_a_kernel_that_cannot_run_in_uint8_is_refused(kernel: str, antialias: bool) -> None:
    with pytest.raises(ImportRefusedError, match=kernel) as caught:
        fit_graph(geometry(kernel=kernel, antialias=antialias))
    assert caught.value.code == "kernel-unsupported"
    assert "--kernel" in caught.value.hint
