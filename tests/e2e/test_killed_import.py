"""A pack import that is killed at any moment leaves a repository of whole packs."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import onnx
import pytest
from tests.e2e.conftest import COMMAND, Run

from haversack.pack.graph.blobs import LABELS, blobs_network
from haversack.packfile.archive import open_pack
from haversack.packfile.repository import Repository
from haversack.packfile.staging import STAGING_PREFIX, STALE_SECONDS
from haversack.samples.bundle import BUNDLED_PACKS

BLOBS = BUNDLED_PACKS / "blobs" / "1"
KILLS = 6


@pytest.mark.slow
def test_kill_9_at_any_moment_leaves_only_whole_packs(tmp_path: Path, run: Run) -> None:
    source, labels = tmp_path / "blobs.onnx", tmp_path / "labels.txt"
    onnx.save(blobs_network(width=320, height=320), source)
    labels.write_text("\n".join(LABELS))
    words: list[str | Path] = ["pack", "import", source, "--name", "b", "--head", "boxes"]
    words += ["--geometry", "letterbox", "--antialias"]
    words += ["--labels", labels, "-o", tmp_path / "packs"]
    started = time.monotonic()
    assert run(*words).status == 0
    whole = time.monotonic() - started
    rng = random.Random(0)
    for _ in range(KILLS):
        process = subprocess.Popen(
            [COMMAND, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # Most of the writing is at the end.
        time.sleep(whole * rng.uniform(0.6, 1.05))
        process.kill()
        process.wait()
        for entry in Repository(tmp_path / "packs").entries():
            assert open_pack(entry.path).manifest.version == entry.version
    assert run(*words).status == 0, "what a killed import left does not hinder the next"
    listed = run("pack", "list", tmp_path / "packs", "--json")
    assert listed.status == 0
    assert "error" not in listed.out


def test_drafts_of_killed_imports_are_removed_by_the_next(tmp_path: Path, run: Run) -> None:
    source, labels = tmp_path / "blobs.onnx", tmp_path / "labels.txt"
    onnx.save(blobs_network(width=64, height=64), source)
    labels.write_text("\n".join(LABELS))
    words: list[str | Path] = ["pack", "import", source, "--name", "b", "--head", "boxes"]
    words += ["--geometry", "letterbox", "--antialias", "--labels", labels]
    words += ["--samples", BLOBS / "samples" / "001.png", "-o"]
    # Where drafts of a first import lie: in the nearest folder that was there.
    above, beside = (left_behind(tmp_path / place) for place in (".", "files"))
    young = tmp_path / f"{STAGING_PREFIX}young"
    young.mkdir()
    assert run(*words, tmp_path / "packs" / "deep").status == 0
    assert not above.exists()
    assert young.exists(), "it may be in use"
    assert run(*words, tmp_path / "files" / "b.pack").status == 0
    assert not beside.exists()
    above = left_behind(tmp_path)
    assert run(*words, tmp_path / "packs" / "deep").status == 0
    assert not above.exists()


def left_behind(place: Path) -> Path:
    """A draft of two days ago."""
    folder = place / f"{STAGING_PREFIX}old"
    (folder / "pack").mkdir(parents=True)
    (folder / "pack" / "model.onnx").write_bytes(bytes(1000))
    for path in (folder / "pack" / "model.onnx", folder / "pack", folder):
        os.utime(path, (time.time() - 2 * STALE_SECONDS,) * 2)
    return folder


@pytest.mark.slow
def test_predict_over_hundreds_of_photos_does_not_grow(tmp_path: Path, scene_folder: Path) -> None:
    """Resident memory after 200 photos is within 10 % of after 50."""
    script = """
import re, sys
from pathlib import Path
from haversack.engine.allocator import Trimmer, settle
settle()
import haversack as hs
pack, trimmer, sizes = hs.load("blobs", threads=1), Trimmer(every_seconds=0.0), []
data = [path.read_bytes() for path in map(Path, sys.argv[1:])]
for i in range(200):
    pack.predict(data[i % len(data)])
    trimmer.tick()
    if i in (49, 199):
        sizes.append(int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]))
print(*sizes)
"""
    photos = [str(scene_folder / "a.png"), str(scene_folder / "below" / "b.jpg")]
    out = subprocess.check_output([sys.executable, "-c", script, *photos], text=True)
    early, late = map(int, out.split())
    assert late <= 1.1 * early
