"""The pack `blobs`: our own graph, imported like anybody's.

`python -m haversack.pack.blobs` writes it anew into src/haversack/samples/packs; a test rebuilds it
and compares.
"""

from __future__ import annotations

import datetime
import sys
import tempfile
from pathlib import Path

import onnx
from PIL import Image, ImageDraw

from haversack.pack.build import Built, PackTarget, build
from haversack.pack.draft import ImportRequest
from haversack.pack.graph.blobs import LABELS, RECOMMENDED_THRESHOLD, blobs_network
from haversack.pack.importing import import_source
from haversack.pack.recipe import load_recipe
from haversack.samples.bundle import BUNDLED_PACKS

_DESCRIPTION = "Small bright or dark objects by difference of Gaussians: a sample, not a claim"
# The date belongs to the files, not to the run: the same code gives the same pack.
_CREATED = datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)
_GROUND, _BRIGHT, _DARK = (126, 138, 92), (238, 230, 214), (34, 28, 24)
# x, y, half length, half width, colour: what each sample shows, in a photo of 320 x 240.
_SAMPLES = (
    ((60, 60, 12, 8, _BRIGHT), (200, 90, 14, 10, _DARK), (130, 180, 9, 9, _BRIGHT)),
    ((40, 200, 15, 9, _DARK), (280, 40, 10, 7, _DARK), (250, 190, 12, 12, _BRIGHT)),
)


def build_blobs(repository: Path) -> Built:
    """Write the pack `blobs`, version 1, into a repository that does not have it."""
    with tempfile.TemporaryDirectory(prefix="haversack-blobs-") as folder:
        source = Path(folder) / "blobs.onnx"
        onnx.save(blobs_network(), source)
        options: dict[str, str | int | float | bool | list[str | int | float]] = {
            "head": "boxes",
            "channels": "RGB",
            "geometry": "letterbox",
            "anchor": "top-left",
            "kernel": "linear",
            "antialias": True,
            "nms_iou": 0.2,
            "score_threshold": RECOMMENDED_THRESHOLD,
            "description": _DESCRIPTION,
        }
        request = ImportRequest(
            source=source,
            name="blobs",
            recipe=load_recipe("", dict(options)),
            options=options,
            labels=LABELS,
            samples=tuple(_draw_samples(Path(folder))),
            licence="Apache-2.0",
        )
        return build(import_source(request), PackTarget(out=repository, version="1"), now=_CREATED)


def _draw_samples(folder: Path) -> list[Path]:
    paths = []
    for i, animals in enumerate(_SAMPLES):
        photo = Image.new("RGB", (320, 240), _GROUND)
        pen = ImageDraw.Draw(photo)
        for x, y, half_length, half_width, colour in animals:
            pen.ellipse((x - half_length, y - half_width, x + half_length, y + half_width), colour)
        paths.append(folder / f"{i}.png")
        photo.save(paths[-1])
    return paths


if __name__ == "__main__":
    sys.stdout.write(f"{build_blobs(BUNDLED_PACKS).path}\n")
