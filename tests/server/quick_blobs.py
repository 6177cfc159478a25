"""The pack `blobs` at 320 px: the same objects in a ninth of the time.

A call of the real one takes 0.2 s of CPU, and the server's tests ask for a thousand.
`python -m tests.server.quick_blobs` writes it anew; a test rebuilds it and compares.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import onnx
from tests.shell import haversack

from haversack.pack.graph.blobs import LABELS, blobs_network
from haversack.samples.bundle import BUNDLED_PACKS

QUICK_BLOBS = Path(__file__).parent / "packs" / "blobs" / "1"
_REAL = BUNDLED_PACKS / "blobs" / "1"
_SIDE_PX = 320
_OPTIONS = ("--head", "boxes", "--channels", "RGB", "--geometry", "letterbox", "--antialias")
_SHOWN = ("--nms-iou", "0.2", "--score-threshold", "0.4", "--licence", "Apache-2.0")
_TOLD = ("--description", "The sample pack at 320 px, for tests")


def build_quick_blobs(folder: Path) -> Path:
    """The pack, made by the command as version 1 in a repository below `folder`."""
    onnx.save(blobs_network(width=_SIDE_PX, height=_SIDE_PX), folder / "blobs.onnx")
    (folder / "labels.txt").write_text("\n".join(LABELS))
    samples = sorted((_REAL / "samples").glob("*.png"))
    words = ("pack", "import", "blobs.onnx", "--name", "blobs", "--labels", "labels.txt")
    chosen = (word for path in samples for word in ("--samples", path))
    ran = haversack(*words, *_OPTIONS, *_SHOWN, *_TOLD, *chosen, "-o", "packs", cwd=folder)
    assert ran.status == 0, ran.err
    return folder / "packs" / "blobs" / "1"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        shutil.rmtree(QUICK_BLOBS, ignore_errors=True)
        shutil.copytree(build_quick_blobs(Path(place)), QUICK_BLOBS)
