"""Decoding hostile files stays inside the memory that was reserved for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

NASTY = Path(__file__).parents[3] / "shared" / "data" / "images" / "nasty"
LIMIT_BYTES = 64 << 20

CHILD = """
import json, sys
from pathlib import Path
from haversack.engine.photo import decode
from haversack.errors import PhotoError

def status(key):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024

folder, limit = Path(sys.argv[1]), int(sys.argv[2])
idle = status("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
told = {}
for path in sorted(folder.rglob("*.*")):
    if path.suffix == ".json":
        continue
    try:
        told[path.name] = decode(path.read_bytes(), limit_bytes=limit).format
    except PhotoError as error:
        told[path.name] = error.message
print(json.dumps({"told": told, "extra_bytes": status("VmHWM") - idle}))
"""


@pytest.mark.skipif(not NASTY.is_dir(), reason="../shared/data is absent: no nasty images to read")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_every_nasty_file_is_accounted_for_within_twice_the_limit() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(NASTY), str(LIMIT_BYTES)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    report = json.loads(done.stdout)
    assert len(report["told"]) > 60
    assert all(report["told"].values())
    assert report["extra_bytes"] <= 2 * LIMIT_BYTES
