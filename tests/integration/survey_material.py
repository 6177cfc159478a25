"""What the tests of surveys share: a quick pack, drawn photos, runs and their rows."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from PIL import Image
from tests.unit.pack.conftest import built, graph_of, request

from haversack.packfile.archive import PackFiles, open_pack
from haversack.samples.scenes import draw_scene
from haversack.survey.run.options import RunRequest
from haversack.survey.run.progress import RunProgress
from haversack.survey.run.run import Summary, run_survey

SIDE, CELL = 128, 16


def spots(*, gain: float = 9) -> onnx.ModelProto:
    """A network of 128 px that calls bright cells of 16 px "light" and dark ones "dark".

    With a larger gain a cell must be bright all over.
    """
    cells = (SIDE // CELL) ** 2
    middles = (np.arange(SIDE // CELL, dtype=np.float32) + 0.5) * CELL
    x, y = np.meshgrid(middles, middles)
    size = np.full_like(x, CELL)
    text = f"""
    network (float[1,3,{SIDE},{SIDE}] images) => (float[1,6,{cells}] output0) {{
        cells = AveragePool <kernel_shape = [{CELL},{CELL}], strides = [{CELL},{CELL}]> (images)
        sure = Conv (cells, w, b)
        scores = Sigmoid (sure)
        still = Conv (cells, nothing)
        boxes = Add (still, grid)
        both = Concat <axis = 1> (boxes, scores)
        output0 = Reshape (both, shape)
    }}"""
    arrays: dict[str, NDArray[Any]] = {
        "grid": np.stack([x, y, size, size])[None].astype(np.float32),
        "nothing": np.zeros((4, 3, 1, 1), np.float32),
        "w": np.array([[gain] * 3, [-gain] * 3], np.float32).reshape(2, 3, 1, 1),
        "b": np.array([7 - 3 * gain, 5], np.float32),
        "shape": np.array([0, 6, -1], np.int64),
    }
    return graph_of(text, opset=17, arrays=arrays)


def spots_pack(folder: Path, *, gain: float = 9, **options: Any) -> PackFiles:
    """The network as a pack; few `candidates` make tiles overflow."""
    source = folder / "spots.onnx"
    onnx.save(spots(gain=gain), source)
    asked = request(source, preset="ultralytics", labels=("light", "dark"), **options)
    return open_pack(built(asked, folder / "packs").path)


@lru_cache(maxsize=64)
def _drawn(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    """Kept, for a scene takes 0.15 s and a dozen of them are asked for again and again."""
    return draw_scene(seed, width=width, height=height, count=6).pixels


def scene(seed: int, width: int = 500, height: int = 330) -> NDArray[np.uint8]:
    """A drawn photo with white patches, which `spots` sees."""
    pixels = _drawn(seed, width, height).copy()
    rng = np.random.default_rng(seed)
    for x, y in rng.integers(0, (width - 30, height - 30), (12, 2)):
        pixels[y : y + 24, x : x + 26] = 250
    return pixels


def save(path: Path, pixels: NDArray[np.uint8], **options: Any) -> Path:
    """Write a photo; JPEGs with quality 92 and sharp colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"quality": 92, **options} if path.suffix.lower() == ".jpg" else options
    Image.fromarray(pixels).save(path, **told)
    return path


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """The same as bytes."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


@dataclass
class Recorder:
    """A screen that keeps what it was told."""

    notes: list[str] = field(default_factory=list)
    standings: list[RunProgress] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def show(self, standing: RunProgress) -> None:
        self.standings.append(standing)

    def close(self) -> None:
        pass


def survey(
    out: Path, pack: PackFiles, *words: Path | str, screen: Recorder | None = None, **options: Any
) -> Summary:
    """A run with one thread and batch 2 unless told otherwise: nothing is measured."""
    asked: dict[str, Any] = {"threads": 1, "batch": 2, **options}
    told = RunRequest(words=tuple(map(str, words)), pack=pack, out=out, **asked)
    return run_survey(told, screen or Recorder())


def rows(run: Path, what: str = "raw") -> list[tuple[Any, ...]]:
    """Every row of `raw` or `found`, with the photo's path instead of its number."""
    columns = {
        "raw": "tile, class_id, score, x1, y1, x2, y2, cut",
        "found": "class_id, score, x1, y1, x2, y2, review, counted",
    }
    query = (
        f"SELECT photo.path, number, {columns[what]} FROM {what} "
        "JOIN photo ON photo.id = photo_id ORDER BY photo.path, number"
    )
    return ask(run, query)


def photos(run: Path, columns: str = "path, status") -> list[tuple[Any, ...]]:
    """Columns of every photo, by path."""
    return ask(run, f"SELECT {columns} FROM photo ORDER BY path")


def ask(run: Path, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Rows of the run's database."""
    base = sqlite3.connect(run / "run.sqlite")
    try:
        return base.execute(query, values).fetchall()
    finally:
        base.close()
