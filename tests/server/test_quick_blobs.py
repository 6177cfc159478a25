"""The pack that the server's tests ask is what the code makes today, and sees what `blobs` sees."""

from __future__ import annotations

from pathlib import Path

from tests.server.quick_blobs import QUICK_BLOBS, build_quick_blobs
from tests.server.running import BLOBS, PHOTO

from haversack.engine.predictor import Predictor
from haversack.packfile.archive import open_pack


def test_the_quick_pack_is_what_the_code_makes(tmp_path: Path) -> None:
    rebuilt = build_quick_blobs(tmp_path)
    for name in ("model.onnx", "fit.onnx"):
        told = f"{name}: python -m tests.server.quick_blobs"
        assert (rebuilt / name).read_bytes() == (QUICK_BLOBS / name).read_bytes(), told
    assert open_pack(rebuilt).manifest.signature == open_pack(QUICK_BLOBS).manifest.signature


def test_the_quick_pack_finds_what_the_real_one_finds() -> None:
    labels = []
    for pack in (QUICK_BLOBS, BLOBS):
        result = Predictor(open_pack(pack)).predict(PHOTO.read_bytes()).above(0.4)
        labels.append(sorted(one.label for one in result.detections))
    assert labels[0] == labels[1] == ["bright", "bright", "dark"]
