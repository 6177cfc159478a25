"""Preprocessing apart from the graphs: Pillow and numpy, in the steps a model's author takes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from haversack.pack.feeding import Feeding
from haversack.packfile.manifest import InputGeometry

_PILLOW = {"linear": Image.Resampling.BILINEAR, "cubic": Image.Resampling.BICUBIC}
# ITU-R 601 luma as Pillow computes it ("L = R * 299/1000 + G * 587/1000 + B * 114/1000").
_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One photo in the network's frame.

    Attributes:
        pixels: uint8[h,w,3], RGB.
        scale, offset: (x, y); pixel = source * scale + offset.
    """

    pixels: NDArray[np.uint8]
    scale: tuple[float, float]
    offset: tuple[float, float]


def place(image: NDArray[np.uint8], geometry: InputGeometry) -> Placed:
    """uint8[H,W,3] -> the network's frame, as fit.onnx should do it."""
    height, width = image.shape[:2]
    new_width, new_height = _resized_sides(width, height, geometry)
    resized = resize(image, new_width, new_height, geometry)
    frame = np.full((geometry.height, geometry.width, 3), geometry.pad, dtype=np.uint8)
    left, top = 0, 0
    if geometry.geometry == "crop":
        left, top = -((new_width - geometry.width) // 2), -((new_height - geometry.height) // 2)
        frame[:] = resized[-top : -top + geometry.height, -left : -left + geometry.width]
    else:
        if geometry.anchor == "centre":
            left, top = (geometry.width - new_width) // 2, (geometry.height - new_height) // 2
        frame[top : top + new_height, left : left + new_width] = resized
    return Placed(pixels=frame, scale=(new_width / width, new_height / height), offset=(left, top))


def _resized_sides(width: int, height: int, geometry: InputGeometry) -> tuple[int, int]:
    across, down = Fraction(geometry.width, width), Fraction(geometry.height, height)
    match geometry.geometry:
        case "stretch":
            return geometry.width, geometry.height
        case "letterbox":
            ratio = min(across, down)
        case "crop":
            share = Fraction(round(geometry.crop * 1000), 1000)
            ratio = max(
                Fraction(geometry.width * share.denominator // share.numerator, width),
                Fraction(geometry.height * share.denominator // share.numerator, height),
            )
    sides = (_whole(width * ratio, geometry.rounding), _whole(height * ratio, geometry.rounding))
    return max(1, sides[0]), max(1, sides[1])


def _whole(side: Fraction, rounding: str) -> int:
    return int(side + Fraction(1, 2)) if rounding == "round" else int(side)


def resize(
    image: NDArray[np.uint8], width: int, height: int, geometry: InputGeometry
) -> NDArray[np.uint8]:
    """uint8[H,W,3] -> uint8[height,width,3] with the model's kernel, rounded to whole levels."""
    if geometry.kernel == "nearest":
        rows = _centres(height, image.shape[0]).astype(np.int64)
        columns = _centres(width, image.shape[1]).astype(np.int64)
        return image[rows][:, columns]
    if geometry.antialias:  # Pillow's kernels always widen when they shrink
        return np.asarray(Image.fromarray(image).resize((width, height), _PILLOW[geometry.kernel]))
    return _bilinear(image, width, height)


def _centres(new: int, old: int) -> NDArray[np.float64]:
    """Where the centre of each new pixel lies on the old axis, in old pixels."""
    return (np.arange(new) + 0.5) * old / new


def _bilinear(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Half-pixel centres, edges held, in float64: what OpenCV's INTER_LINEAR approximates."""
    y = np.clip(_centres(height, image.shape[0]) - 0.5, 0, image.shape[0] - 1)
    x = np.clip(_centres(width, image.shape[1]) - 0.5, 0, image.shape[1] - 1)
    top, left = y.astype(np.int64), x.astype(np.int64)
    bottom = np.minimum(top + 1, image.shape[0] - 1)
    right = np.minimum(left + 1, image.shape[1] - 1)
    down, across = (y - top)[:, None, None], (x - left)[None, :, None]
    upper = image[top][:, left] * (1 - across) + image[top][:, right] * across
    lower = image[bottom][:, left] * (1 - across) + image[bottom][:, right] * across
    return np.asarray(np.floor(upper * (1 - down) + lower * down + 0.5), dtype=np.uint8)


def normalise(pixels: NDArray[np.uint8], feeding: Feeding) -> NDArray[np.float32]:
    """uint8[h,w,3] RGB -> float32[h,w,C] as the network was trained on."""
    if feeding.channels == "GRAY":
        levels = np.floor(pixels @ _LUMA + 0.5)[..., None]
    else:
        levels = pixels[..., ::-1] if feeding.channels == "BGR" else pixels
    values = levels.astype(np.float64) * feeding.scale
    if feeding.mean:
        values = values - np.array(feeding.mean)
    if feeding.std:
        values = values / np.array(feeding.std)
    return np.asarray(values, dtype=np.float32)
