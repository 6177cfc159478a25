"""kill -9 fifty times at random moments: every photo once, rows as of an unbroken run.

    .venv/bin/python benchmarks/survey_kills.py [KILLS] [SEED]

Each time the run is begun anew where the last kill left it; when it is finished before the next
kill, it is compared with the unbroken one, and another begins. Exit code 1 where a row differs.
"""

from __future__ import annotations

import datetime
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

from haversack.samples.scenes import draw_scene

COMMAND = Path(sys.executable).with_name("haversack")
PHOTOS = 12
QUERIES = (
    "SELECT path, status, width, height, tiles, tiles_skipped, attempts FROM photo ORDER BY path",
    "SELECT path, number, tile, class_id, score, x1, y1, x2, y2, cut FROM raw "
    "JOIN photo ON photo.id = photo_id ORDER BY path, number",
    "SELECT path, number, class_id, score, x1, y1, x2, y2 FROM found "
    "JOIN photo ON photo.id = photo_id ORDER BY path, number",
)


def start(folder: Path, out: Path) -> subprocess.Popen[bytes]:
    """The command of every attempt."""
    options = ("--pack", "blobs", "--threads", "2", "--batch", "1", "--tile", "300", "--quiet")
    return subprocess.Popen(
        [str(COMMAND), "survey", "run", str(folder), "--out", str(out), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def rows(run: Path) -> list[list[Any]]:
    """Everything that must not depend on kills."""
    base = sqlite3.connect(run / "run.sqlite")
    try:
        return [base.execute(query).fetchall() for query in QUERIES]
    finally:
        base.close()


def main() -> None:
    """Kill, go on, compare; print the sums."""
    kills = int(sys.argv[1]) if sys.argv[1:] else 50
    seed = int(sys.argv[2]) if sys.argv[2:] else int(time.time())
    moments = random.Random(seed)
    print(f"{datetime.date.today()}  {kills} kills, seed {seed}, {PHOTOS} photos")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        for number in range(PHOTOS):
            scene = draw_scene(number, width=700, height=500)
            Image.fromarray(scene.pixels).save(folder / "in" / f"{number:02}.jpg", quality=92)
        started = time.monotonic()
        if start(folder / "in", folder / "whole").wait():
            raise SystemExit("the unbroken run failed")
        length = time.monotonic() - started
        expected = rows(folder / "whole")
        done = finished = differing = 0
        out = folder / "run0"
        while done < kills:
            going = start(folder / "in", out)
            try:
                going.wait(timeout=moments.uniform(0.1, 0.8) * length)
            except subprocess.TimeoutExpired:
                going.send_signal(signal.SIGKILL)
                going.wait()
                done += 1
                if done < kills:
                    continue
                start(folder / "in", out).wait()
            finished += 1
            differing += rows(out) != expected
            out = folder / f"run{finished}"
        print(f"{done} kills, {finished} runs finished, {differing} differ from the unbroken one")
        sys.exit(int(differing > 0))


if __name__ == "__main__":
    main()
