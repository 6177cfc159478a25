"""The work that is measured: drawn photos, blank frames, blank tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from haversack.engine.fitted import Fitted
from haversack.engine.predictor import Predictor
from haversack.engine.session import Array
from haversack.engine.tensors import NUMPY
from haversack.measure.plan import CaseWish
from haversack.packfile.signature import TensorSpec


def work_of(wish: CaseWish, predictor: Predictor) -> Callable[[], object]:
    """One case as something to call."""
    if wish.megapixels:
        return partial(_decode_and_fit, predictor, draw_photo(wish.megapixels))
    size = predictor.manifest.input
    if size is None:
        specs = predictor.manifest.signature.inputs
        return partial(predictor.run, {spec.name: blank(spec, wish.batch) for spec in specs})
    pixels = np.full((size.height, size.width, 3), 114, dtype=np.uint8)
    placement = np.array([1, 1, 0, 0], dtype=np.float32)
    frame = Fitted(pixels=pixels, placement=placement, width=size.width, height=size.height)
    return partial(predictor.infer, [frame] * wish.batch)


def draw_photo(megapixels: float) -> bytes:
    """A JPEG of 4:3 with shapes and some noise: a few hundred kilobytes for each megapixel."""
    width = round(math.sqrt(megapixels * 1e6 * 4 / 3) / 16) * 16
    height = width * 3 // 4
    return bytes(simplejpeg.encode_jpeg(_scene(width, height), quality=88))


def blank(spec: TensorSpec, rows: int) -> Array:
    """A tensor of zeros or empty texts: `rows` rows where the first side is free, else 1."""
    sides = [side if side > 0 else 1 for side in spec.shape]
    if sides and spec.shape[0] == -1:
        sides[0] = rows
    if spec.datatype == "BYTES":
        return np.full(sides, "", dtype=np.object_)
    return np.zeros(sides, dtype=NUMPY[spec.datatype])


def _decode_and_fit(predictor: Predictor, data: bytes) -> Fitted:
    return predictor.fit(predictor.decode(data))


def _scene(width: int, height: int) -> NDArray[np.uint8]:
    """Waves of three colours, computed in bytes so that drawing takes little memory itself."""
    across = (np.arange(width) * 7 // 13 % 251).astype(np.uint8)
    down = (np.arange(height) * 5 // 11 % 241).astype(np.uint8)
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    pixels[..., 0] = across[None, :]
    pixels[..., 1] = down[:, None]
    pixels[..., 2] = np.bitwise_xor(across[None, :], down[:, None]) // 4
    return pixels
