"""What the golden answers are of: a small pack of each task, and photos with every fate."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from PIL import Image
from tests.golden.bench import Shell
from tests.integration.survey_material import save, spots
from tests.unit.geo.made_photos import exif
from tests.unit.pack.conftest import graph_of

Pixels = NDArray[np.uint8]
TAKEN_SECONDS = 1_700_000_000
"""When every file was last changed: a run knows a photo by it."""
FEW = "12"
"""Candidates of `few`: what a chequered tile has is more."""
_SHADES = "net (float[1,3,8,8] x) => (float[1,3,8,8] logits) { logits = Relu (x) }"
_MEANS = """net (float[1,3,32,32] x) => (float[1,3] y) {
    mean = GlobalAveragePool (x)
    y = Flatten (mean) }"""
_TINY = """tiny (float[N, 4] rows) => (float[N, 3] scores)
<float[4, 3] weight = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2}>
{
    product = MatMul (rows, weight)
    scores = Softmax <axis = 1> (product)
}"""


@dataclass(frozen=True)
class Asked:
    """One pack to import: its network, and the words of the command."""

    network: onnx.ModelProto
    words: tuple[str, ...]


def asked() -> dict[str, Asked]:
    """A pack of each task, and a detector that keeps few candidates."""
    detect = ("--preset", "ultralytics", "--labels", "lights.txt", "--samples", "samples")
    named = ("--labels", "abc.txt", "--samples", "samples")
    return {
        "spots": Asked(spots(), (*detect, "--accuracy", "all of them", "--licence", "CC0-1.0")),
        "few": Asked(spots(), (*detect, "--candidates", FEW, "--max-detections", FEW)),
        "shades": Asked(
            graph_of(_SHADES),
            ("--head", "argmax", "--geometry", "stretch", *named),
        ),
        "means": Asked(
            graph_of(_MEANS),
            ("--head", "softmax", "--geometry", "stretch", "--scale", "0.02", *named),
        ),
        "tiny": Asked(graph_of(_TINY, opset=17), ("--head", "none", "--geometry", "none")),
    }


def import_packs(shell: Shell) -> dict[str, str]:
    """Every pack into `packs` of the shell's folder; what each command printed."""
    folder = shell.folder
    (folder / "lights.txt").write_text("light\ndark\n")
    (folder / "abc.txt").write_text("a\nb\nc\n")
    save(folder / "samples" / "one.png", patched(21, 128, 128))
    save(folder / "samples" / "two.png", bands(100, 60))
    told = {}
    for name, one in asked().items():
        onnx.save(one.network, folder / f"{name}.onnx")
        told[name] = shell.done("pack", "import", f"{name}.onnx", "--name", name, *one.words)
    return told


def bands(width: int, height: int) -> Pixels:
    """A red, a green and a blue band, of three widths and strengths."""
    pixels = np.full((height, width, 3), 20, np.uint8)
    edges = (0, width * 5 // 10, width * 8 // 10, width)
    for channel, level in enumerate((230, 200, 170)):
        pixels[:, edges[channel] : edges[channel + 1], channel] = level
    return pixels


def chequered(side: int, cell: int = 16) -> Pixels:
    """Light and dark cells: a tile of them has more objects than `few` keeps."""
    y, x = np.mgrid[:side, :side] // cell
    light = (x + y) % 2 * 255
    return np.repeat(light[:, :, None], 3, axis=2).astype(np.uint8)


def plain(width: int, height: int) -> Pixels:
    """Grey from left to right, in which nothing is found."""
    row = np.linspace(110, 145, width)
    return np.repeat(np.tile(row, (height, 1))[:, :, None], 3, axis=2).astype(np.uint8)


def patched(seed: int, width: int, height: int, count: int = 4) -> Pixels:
    """Grey with light and dark patches of several strengths, which `spots` sees."""
    pixels = plain(width, height)
    rng = np.random.default_rng(seed)
    for number, (x, y) in enumerate(rng.integers(0, (width - 28, height - 28), (count, 2))):
        pixels[y : y + 24, x : x + 26] = (255, 250, 0, 25)[number % 4]
    return pixels


def coloured(seed: int, width: int, height: int) -> Pixels:
    """Patches above, bands below: something for every task."""
    pixels = patched(seed, width, height)
    pixels[height * 2 // 3 :] = bands(width, height - height * 2 // 3)
    return pixels


def draw(folder: Path) -> Path:
    """Photos that are whole, empty, crowded, cut short, none at all, or oddly named."""
    save(folder / "east" / "0.png", patched(0, 250, 180, count=5))
    for number, lat in ((1, 46.5), (2, 46.5004)):
        pixels = patched(number, 200, 150, count=3)
        save(folder / "east" / f"{number}.jpg", pixels, exif=exif(lat=lat, size=(200, 150)))
    save(folder / "west" / "empty.png", plain(160, 110))
    save(folder / "west" / "one colour.png", np.full((90, 140, 3), 128, np.uint8))
    save(folder / "west" / "crowded.png", chequered(128))
    save(folder / "west" / 'Müller\'s "Kühe" & <b>=1.png', patched(4, 150, 130, count=3))
    (folder / "bad").mkdir()
    (folder / "bad" / "none.jpg").write_text("no photo")
    (folder / "bad" / "short.jpg").write_bytes(short_jpeg())
    (folder / "bad" / "notes.txt").write_text("a text")
    Path(os.fsdecode(os.fsencode(folder) + b"/bad/\xff.png")).write_bytes(
        (folder / "west" / "empty.png").read_bytes()
    )
    for path in sorted(folder.rglob("*")):
        os.utime(path, (TAKEN_SECONDS, TAKEN_SECONDS))
    return folder


def short_jpeg() -> bytes:
    """The first two thirds of a JPEG."""
    file = io.BytesIO()
    Image.fromarray(patched(5, 250, 170, count=4)).save(file, "JPEG", quality=92)
    data = file.getvalue()
    return data[: len(data) * 2 // 3]
