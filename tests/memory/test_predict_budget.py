"""Predicting hostile files costs at most twice the decode limit more than a small photo."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

NASTY = Path(__file__).parents[3] / "shared" / "data" / "images" / "nasty"
LIMIT_BYTES = 96 << 20

CHILD = """
import json, sys
from pathlib import Path
import numpy as np
from haversack.engine.allocator import settle, trim
settle()
from haversack.engine.predictor import Predictor, PredictorOptions
from haversack.errors import PhotoError
from haversack.packfile.archive import open_pack
from haversack.packfile.repository import Repository
from haversack.samples.bundle import BUNDLED_PACKS

def peak():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024

options = PredictorOptions(decode_limit_bytes=int(sys.argv[2]))
predictor = Predictor(open_pack(Repository(BUNDLED_PACKS).find("blobs")), options)
predictor.predict_pixels(np.zeros((100, 100, 3), np.uint8))
trim()
Path("/proc/self/clear_refs").write_text("5")
predictor.predict_pixels(np.zeros((100, 100, 3), np.uint8))
small = peak()
told = {}
for path in sorted(p for p in Path(sys.argv[1]).rglob("*") if p.is_file() and p.suffix != ".json"):
    try:
        told[path.name] = predictor.predict(path.read_bytes()).status
    except PhotoError as error:
        told[path.name] = error.message
    trim()
print(json.dumps({"told": told, "extra_bytes": peak() - small}))
"""

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="peak memory is read from /proc"
)


def predict_all(folder: Path) -> tuple[dict[str, str], int]:
    """What became of each file, and the bytes above a small photo's peak."""
    words = [sys.executable, "-c", CHILD, str(folder), str(LIMIT_BYTES)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=240)
    report = json.loads(done.stdout)
    return report["told"], report["extra_bytes"]


@pytest.mark.skipif(not NASTY.is_dir(), reason="../shared/data is absent: no nasty images to read")
def test_every_nasty_file_gives_a_record_or_a_sentence_within_the_budget() -> None:
    told, extra_bytes = predict_all(NASTY)
    assert len(told) > 60
    assert all(told.values())
    assert extra_bytes <= 2 * LIMIT_BYTES


def test_huge_photos_are_answered_or_refused_within_the_budget(tmp_path: Path) -> None:
    shades = np.zeros((4000, 6000, 3), dtype=np.uint8)
    shades[..., 0] = np.arange(6000) // 24
    photo = Image.fromarray(shades)
    for name, options in {
        "baseline.jpg": {"quality": 90},
        "progressive.jpg": {"quality": 90, "progressive": True},
        "flat.png": {"compress_level": 1},
    }.items():
        buffer = io.BytesIO()
        photo.save(buffer, format=name.split(".")[-1].replace("jpg", "jpeg"), **options)
        (tmp_path / name).write_bytes(buffer.getvalue())
    told, extra_bytes = predict_all(tmp_path)
    # 24 MP take 72 MiB from a JPEG in one scan; the others need more than the limit.
    assert told["baseline.jpg"] == "done"
    assert "the limit is 96 MiB" in told["progressive.jpg"]
    assert "the limit is 96 MiB" in told["flat.png"]
    assert extra_bytes <= 2 * LIMIT_BYTES
