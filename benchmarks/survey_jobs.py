"""A survey that a server does as a job, against `haversack survey run` on the same photos.

    .venv/bin/python benchmarks/survey_jobs.py [PHOTOS] [ROUNDS]

The photos and the detector of `benchmarks/survey.py`: drawn 24-MP JPEGs, 54 tiles each. Both sides
take turns in one run. The time of a job is that of its result's `seconds`, the work itself, and
from sending it to its end; that of the command is what its own summary says, and the whole
process. Also how long one small request takes alone, and beside a survey.
"""

from __future__ import annotations

import datetime
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import simplejpeg
from survey_material import OVERLAP, SIDE, detector, draw_photos, make_pack

from haversack.engine.cpus import usable_cpus

COMMAND = Path(sys.executable).with_name("haversack")
GRID = ("--tile", str(SIDE), "--overlap", str(OVERLAP))
_READY = "Haversack is ready at "


def main() -> None:
    """Print both sides, their ratio, and what a request waits."""
    photos = int(sys.argv[1]) if sys.argv[1:] else 8
    rounds = int(sys.argv[2]) if sys.argv[2:] else 3
    print(
        f"{datetime.date.today()}  {platform.machine()}, {usable_cpus()} CPUs; {photos} photos, "
        f"{rounds} rounds"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pack = make(folder, photos)
        small = simplejpeg.encode_jpeg(np.full((480, 640, 3), 90, np.uint8))
        with serving(pack, folder / "state") as url:
            alone = request_seconds(url, small, 20)
            sides: dict[str, list[float]] = {"job": [], "job whole": [], "run": [], "run whole": []}
            beside: list[float] = []
            for number in range(rounds):
                work, whole, waits = by_job(url, folder / "photos", small)
                sides["job"].append(work)
                sides["job whole"].append(whole)
                beside += waits
                work, whole = by_command(pack, folder / "photos", folder / f"run{number}")
                sides["run"].append(work)
                sides["run whole"].append(whole)
    middle = {name: statistics.median(found) / photos for name, found in sides.items()}
    for name, seconds in middle.items():
        print(f"{name:10} {seconds:.3f} s a photo")
    print(f"job / run  {middle['job'] / middle['run']:.2f} of its time, with a request every 0.5 s")
    print(f"a request alone {1e3 * statistics.median(alone):.0f} ms, beside a survey "
          f"{1e3 * statistics.median(beside):.0f} ms, p95 {1e3 * p95(beside):.0f} ms")  # fmt: skip


def make(folder: Path, photos: int) -> Path:
    """Photos and pack, as in `benchmarks/survey.py`."""
    draw_photos(folder / "photos", photos)
    onnx.save(detector(), folder / "bench.onnx")
    make_pack(folder / "bench.onnx", folder / "packs")
    return folder / "packs" / "bench" / "1"


@contextmanager
def serving(pack: Path, state: Path) -> Iterator[str]:
    """The address of a server."""
    words = [COMMAND, "serve", pack, "--port", "0", "--state", state, "--decode-limit", "512M"]
    process = subprocess.Popen(
        [str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().removeprefix(_READY).strip()
    finally:
        process.terminate()
        process.wait()


def ask(url: str, method: str, path: str, body: bytes | None = None) -> Any:
    """JSON from the server."""
    request = urllib.request.Request(url + path, body, method=method)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def request_seconds(url: str, photo: bytes, count: int) -> list[float]:
    """How long each of so many requests takes, one after another."""
    name, found = ask(url, "GET", "/packs")["packs"][0]["name"], []
    for _ in range(count):
        began = time.perf_counter()
        ask(url, "POST", f"/predict/{name}", photo)
        found.append(time.perf_counter() - began)
    return found


def by_job(url: str, photos: Path, small: bytes) -> tuple[float, float, list[float]]:
    """Seconds of work, seconds until it is done, and what requests meanwhile took."""
    name = ask(url, "GET", "/packs")["packs"][0]["name"]
    upload = ask(url, "POST", "/uploads", b"")["id"]
    for path in sorted(photos.iterdir()):
        ask(url, "POST", f"/uploads/{upload}?name={path.name}", path.read_bytes())
    began, waits = time.perf_counter(), []
    ask(url, "POST", f"/jobs/{name}?upload={upload}&tile={SIDE}&overlap={OVERLAP}", b"")
    while (job := ask(url, "GET", f"/jobs/{upload}"))["state"] in ("queued", "running"):
        waits += request_seconds(url, small, 1)
        time.sleep(0.5)
    assert job["state"] == "done", job
    whole = time.perf_counter() - began
    return ask(url, "GET", f"/jobs/{upload}/result")["seconds"], whole, waits


def by_command(pack: Path, photos: Path, out: Path) -> tuple[float, float]:
    """Seconds of work, and of the whole process."""
    words = ["survey", "run", photos, "--pack", pack, "--out", out, *GRID, "--quiet", "--json"]
    began = time.perf_counter()
    done = subprocess.run(
        [str(word) for word in (COMMAND, *words, "--threads", usable_cpus(), "--batch", 1)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)["seconds"], time.perf_counter() - began


def p95(values: list[float]) -> float:
    """The value that 19 of 20 stay below."""
    return sorted(values)[int(0.95 * (len(values) - 1))]


if __name__ == "__main__":
    main()
