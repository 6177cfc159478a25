"""What benchmarks of surveys look at and with: 24-MP JPEGs, and a detector of about 4 GFLOP."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from PIL import Image

from haversack.pack.build import PackTarget, build
from haversack.pack.draft import ImportRequest
from haversack.pack.graph.text import parse
from haversack.pack.importing import import_source
from haversack.pack.recipe import load_recipe

WIDTH, HEIGHT = 6000, 4000
SIDE, OVERLAP = 800, 150
LABELS = ("light", "dark")
_DISTINCT = 4
# Output channels, stride: 1.91 G multiply-adds at 800 px.
_LAYERS = ((16, 2), (32, 2), (48, 1), (64, 2), (96, 1), (128, 2))
_CELL = 16


def draw_photos(folder: Path, count: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """`count` JPEGs of quality 92 with the texture of ground; four are distinct, the rest links."""
    folder.mkdir(parents=True)
    for number in range(count):
        path = folder / f"{number:05}.jpg"
        if number < _DISTINCT:
            Image.fromarray(ground(number, size)).save(path, quality=92)
        else:
            os.link(folder / f"{number % _DISTINCT:05}.jpg", path)
    return folder


def ground(seed: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> NDArray[np.uint8]:
    """Noise at every scale, as grass and soil have: about 9 MB at quality 92."""
    width, height = size
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for cell, weight in ((400, 30.0), (80, 18.0), (16, 12.0), (4, 9.0), (1, 7.0)):
        rough = rng.standard_normal((-(-height // cell), -(-width // cell)), dtype=np.float32)
        smooth = Image.fromarray(rough).resize((width, height), Image.Resampling.BILINEAR)
        total += weight * np.asarray(smooth)
    tint = np.array([118, 126, 88], np.float32)
    pixels = np.empty((height, width, 3), np.uint8)
    for channel in range(3):
        pixels[..., channel] = np.clip(total + tint[channel], 0, 255)
    return pixels


def detector(side: int = SIDE, *, floor: float = -5, spread: float = 0.2) -> onnx.ModelProto:
    """images float[N,3,800,800] -> output0 float[N,6,2500]: middles, sizes, two scores.

    Args:
        side: of a tile in px.
        floor: added to both logits; 3 makes nearly every cell a candidate.
        spread: of the logits; with 1 and a floor of -7.2, some 15 cells a tile score over 0.05.
    """
    rng = np.random.default_rng(0)
    arrays: dict[str, NDArray[Any]] = {}
    lines, source, channels = [], "images", 3
    for i, (out, stride) in enumerate(_LAYERS):
        scale = (2 / (9 * channels)) ** 0.5
        arrays[f"w{i}"] = (scale * rng.standard_normal((out, channels, 3, 3))).astype(np.float32)
        arrays[f"b{i}"] = np.zeros(out, np.float32)
        lines.append(
            f"c{i} = Conv <kernel_shape = [3,3], pads = [1,1,1,1], strides = [{stride},{stride}]> "
            f"({source}, w{i}, b{i})\nr{i} = Relu (c{i})"
        )
        source, channels = f"r{i}", out
    cells = side // _CELL
    middles = (np.arange(cells, dtype=np.float32) + 0.5) * _CELL
    x, y = np.meshgrid(middles, middles)
    size = np.full_like(x, 30)
    arrays |= {
        "grid": np.stack([x, y, size, size])[None].astype(np.float32),
        "still": np.zeros((4, channels, 1, 1), np.float32),
        "sure": (spread * rng.standard_normal((2, channels, 1, 1))).astype(np.float32),
        "floor": np.full(2, floor, np.float32),
        "shape": np.array([0, 6, -1], np.int64),
    }
    text = f"""
    network (float[N,3,{side},{side}] images) => (float[N,6,{cells * cells}] output0) {{
        {chr(10).join(lines)}
        places = Conv <kernel_shape = [1,1]> ({source}, still)
        boxes = Add (places, grid)
        logits = Conv <kernel_shape = [1,1]> ({source}, sure, floor)
        scores = Sigmoid (logits)
        both = Concat <axis = 1> (boxes, scores)
        output0 = Reshape (both, shape)
    }}"""
    return parse(text, opset=17, arrays=arrays)


def gigaflop() -> float:
    """Of one tile: two a multiply-add of the convolutions."""
    side, channels, total = SIDE, 3, 0
    for out, stride in _LAYERS:
        side //= stride
        total += 2 * side * side * out * channels * 9
        channels = out
    return total / 1e9


def make_pack(model: Path, folder: Path, **options: int) -> Path:
    """The detector as a pack named as the file, proved like any other; `options` of the recipe."""
    asked = ImportRequest(
        source=model,
        name=model.stem,
        recipe=load_recipe("ultralytics", dict(options)),
        preset="ultralytics",
        labels=LABELS,
        options=dict(options),
    )
    now = datetime.datetime.now(datetime.UTC)
    return build(import_source(asked), PackTarget(out=folder), now=now).path
