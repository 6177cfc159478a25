"""kill -9 at any moment: every photo exactly once, and the rows of an unbroken run."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.e2e.conftest import COMMAND
from tests.integration.survey_material import photos, rows, save, scene


def start(folder: Path, out: Path) -> subprocess.Popen[bytes]:
    """The command of every attempt."""
    options = ("--pack", "blobs", "--threads", "2", "--batch", "1", "--tile", "300", "--quiet")
    return subprocess.Popen(
        [COMMAND, "survey", "run", folder, "--out", out, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(("kills", "many"), [(1, 4), pytest.param(5, 10, marks=pytest.mark.slow)])
def test_a_run_killed_at_random_moments_ends_as_an_unbroken_one(
    tmp_path: Path, kills: int, many: int
) -> None:
    for number in range(many):
        save(tmp_path / "in" / f"{number:02}.jpg", scene(number))
    started = time.monotonic()
    assert start(tmp_path / "in", tmp_path / "whole").wait(timeout=60) == 0
    length = time.monotonic() - started
    moments = random.Random(4)
    for _ in range(kills):
        going = start(tmp_path / "in", tmp_path / "killed")
        try:
            going.wait(timeout=moments.uniform(0.2, 0.9) * length)
        except subprocess.TimeoutExpired:
            going.send_signal(signal.SIGKILL)
            going.wait(timeout=30)
    assert start(tmp_path / "in", tmp_path / "killed").wait(timeout=60) == 0
    assert [status for _, status in photos(tmp_path / "killed")] == ["done"] * many
    columns = "path, status, width, height, tiles, tiles_skipped, attempts"
    assert photos(tmp_path / "killed", columns) == photos(tmp_path / "whole", columns)
    for what in ("raw", "found"):
        assert rows(tmp_path / "killed", what) == rows(tmp_path / "whole", what)
