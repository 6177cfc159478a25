"""Samples for parity: the caller's photos, or drawn ones where none were given."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from haversack.engine.photo import decode
from haversack.engine.session import Array
from haversack.errors import ImportRefusedError
from haversack.packfile.signature import TensorSpec
from haversack.samples.scenes import draw_scene

MOST_SAMPLES = 8
# Kept in the pack as PNG: about 0.5 MB each at this size.
LONGEST_SIDE_PX = 640
_DECODE_LIMIT_BYTES = 1024**3
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif"}
_DRAWN = 4
_FLOATS = {"FP32": np.float32, "FP16": np.float16, "FP64": np.float64}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One photo, as the pack will keep it.

    Attributes:
        name: "001" and so on.
        source: the file's name, or "drawn".
        pixels: uint8[H,W,3].
        png: the same pixels, encoded.
    """

    name: str
    source: str
    pixels: NDArray[np.uint8]
    png: bytes

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), px."""
        return self.pixels.shape[1], self.pixels.shape[0]


def read_samples(paths: Sequence[Path]) -> list[Sample]:
    """At most eight photos, no side over 640 px; folders give their photos by name.

    Without paths, drawn aerial photos: they prove the numbers, but show a detector of other things
    nothing to find.

    Raises:
        ImportRefusedError: `samples-missing` where a path leads to no photo.
        PhotoError: a photo cannot be read.
    """
    if not paths:
        drawn = [draw_scene(seed, width=640, height=480).pixels for seed in range(_DRAWN)]
        return [_sample(i, "drawn", pixels) for i, pixels in enumerate(drawn)]
    files = [file for path in paths for file in _files(path)]
    samples = []
    for i, file in enumerate(files[:MOST_SAMPLES]):
        image = decode(file.read_bytes(), limit_bytes=_DECODE_LIMIT_BYTES, target=None)
        samples.append(_sample(i, file.name, _shrunk(image.pixels)))
    return samples


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES)
    else:
        found = [path] if path.is_file() else []
    if not found:
        raise ImportRefusedError(
            "samples-missing",
            f"--samples {path} leads to no photo",
            hint="Give photos, or a folder of them, that show what the model finds.",
        )
    return found


def _shrunk(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = Image.fromarray(pixels)
    image.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _sample(place: int, source: str, pixels: NDArray[np.uint8]) -> Sample:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return Sample(name=f"{place + 1:03d}", source=source, pixels=pixels, png=buffer.getvalue())


def random_inputs(specs: Sequence[TensorSpec], seed: int) -> dict[str, Array]:
    """Seeded numbers for a graph that takes tensors: sides that vary become 1.

    Raises:
        ImportRefusedError: `input-unknown` for datatypes no number can be drawn for.
    """
    rng = np.random.default_rng(seed)
    inputs: dict[str, Array] = {}
    for spec in specs:
        sides = tuple(max(1, side) for side in spec.shape)
        if spec.datatype in _FLOATS:
            inputs[spec.name] = rng.standard_normal(sides).astype(_FLOATS[spec.datatype])
        elif spec.datatype == "BOOL":
            inputs[spec.name] = rng.integers(0, 2, sides).astype(np.bool_)
        elif spec.datatype.startswith(("INT", "UINT")):
            inputs[spec.name] = rng.integers(0, 2, sides).astype(spec.datatype.lower())
        else:
            raise ImportRefusedError(
                "input-unknown",
                f"input {spec} takes no numbers, and no sample can be drawn for it",
                hint="Only graphs of numbers can be imported as task tensor.",
            )
    return inputs
