"""Speed and memory of one pack against the bare model, and what Haversack itself weighs.

    make bench
    .venv/bin/python benchmarks/predict.py MODEL.onnx LABELS PHOTO...

The model is YOLOX-Nano (416 x 416); both sides get the same threads, the same session settings and
the same photos, in turn, in one run. Ratios are what counts: the machine's speed drifts.
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
from collections.abc import Callable
from pathlib import Path

from bare import BareYolox

from haversack.engine.cpus import usable_cpus
from haversack.engine.predictor import Predictor
from haversack.packfile.archive import open_pack

ROUNDS = 60
SHARED = Path(__file__).parents[2] / "shared" / "data"
COMMAND = Path(sys.executable).with_name("haversack")
BASE = ("click", "msgspec", "numpy", "onnxruntime", "pillow", "rich", "simplejpeg", "tomli-w")

# Runs in a fresh process: the peak of a whole process that predicts N photos in one call.
_PEAK = """
import re, sys
from pathlib import Path
from haversack.engine.allocator import trim, use_one_arena
use_one_arena()
from haversack.engine.predictor import Predictor
from haversack.packfile.archive import open_pack
predictor = Predictor(open_pack(Path(sys.argv[1])))
data, count = Path(sys.argv[2]).read_bytes(), int(sys.argv[3])
trim()
for _ in range(20):
    if count == 1:
        predictor.predict(data)
    else:
        predictor.infer([predictor.fit(predictor.decode(data)) for _ in range(count)])
    trim()
status = Path("/proc/self/status").read_text()
print(int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) * 1024)
"""
_IMPORT = "import time; t = time.perf_counter(); import {0}; print(time.perf_counter() - t)"
_SIZE = """
import importlib.metadata as metadata, json, sys
seen, todo = set(), sys.argv[1:]
while todo:
    name = todo.pop()
    if name in seen: continue
    seen.add(name)
    for need in metadata.requires(name) or []:
        if ";" not in need:
            todo.append(__import__("re").match(r"[A-Za-z0-9_.-]+", need)[0])
size = 0
for name in seen:
    for file in metadata.files(name) or []:
        path = file.locate()
        if path.suffix != ".pyc" and path.is_file(): size += path.stat().st_size
print(json.dumps([size, sorted(seen)]))
"""


def main() -> None:
    model, labels, photos = _arguments()
    print(
        f"{datetime.date.today()}  {platform.machine()}, {usable_cpus()} CPUs, Python "
        f"{platform.python_version()}  photos: {len(photos)}"
    )
    with tempfile.TemporaryDirectory() as folder:
        pack = _import_pack(model, labels, photos, Path(folder))
        _speed(pack, model, photos)
        _memory(pack, photos[0])
    _weight()


def _arguments() -> tuple[Path, Path, list[Path]]:
    words = [Path(word) for word in sys.argv[1:]]
    if words:
        return words[0], words[1], words[2:]
    detect, everyday = SHARED / "models" / "detect", SHARED / "images" / "everyday"
    if not detect.is_dir():
        raise SystemExit("Give MODEL.onnx LABELS PHOTO...: YOLOX-Nano, its 80 names, some JPEGs.")
    return detect / "yolox_nano.onnx", detect / "coco80.names", sorted(everyday.glob("*.jpg"))


def _import_pack(model: Path, labels: Path, photos: list[Path], folder: Path) -> Path:
    words = ["--name", "yolox-nano", "--preset", "yolox", "--labels", labels, "-o", folder]
    samples = [word for photo in photos[:4] for word in ("--samples", photo)]
    command = [COMMAND, "pack", "import", model, *words, *samples]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "yolox-nano" / "1"


def _speed(pack: Path, model: Path, photos: list[Path]) -> None:
    """Seconds a photo, in turn: pack, bare, pack, bare..."""
    predictor, bare = Predictor(open_pack(pack)), BareYolox(model, usable_cpus())
    data = [photo.read_bytes() for photo in photos]
    feeds = [bare.feed(photo) for photo in data]
    ours: Callable[[bytes], object] = predictor.predict
    sides = {
        "whole pack": [lambda photo=photo: ours(photo) for photo in data],
        "whole bare": [lambda photo=photo: bare.predict(photo) for photo in data],
        "session of the bare model alone": [
            lambda values=values: bare.session.run(None, {"images": values}) for values, _ in feeds
        ],
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(ROUNDS + 5):
        for name, calls in sides.items():
            call = calls[turn % len(calls)]
            started = time.perf_counter()
            call()
            if turn >= 5:
                seconds[name].append(time.perf_counter() - started)
    for name, values in seconds.items():
        print(f"  {name:34} {statistics.median(values) * 1e3:7.1f} ms a photo (median)")
    pairs = zip(seconds["whole pack"], seconds["whole bare"], strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"  pack / bare, median of {ROUNDS} pairs     {ratio:7.2f}   (bar: 1.10)")


def _memory(pack: Path, photo: Path) -> None:
    for count in (1, 4, 8):
        words = [sys.executable, "-c", _PEAK, str(pack), str(photo), str(count)]
        peak = int(subprocess.check_output(words)) / 1e6
        bar = "   (bar: 95)" if count == 1 else ""
        print(f"  peak of a process, N = {count}           {peak:7.0f} MB{bar}")


def _weight() -> None:
    for module in ("haversack", "haversack.engine", "haversack.engine.predictor"):
        words = [sys.executable, "-c", _IMPORT.format(module)]
        values = [float(subprocess.check_output(words)) for _ in range(7)]
        print(f"  import {module:27} {statistics.median(values) * 1e3:7.1f} ms")
    values = []
    for _ in range(7):
        started = time.perf_counter()
        subprocess.run([COMMAND, "--help"], check=True, capture_output=True)
        values.append(time.perf_counter() - started)
    print(
        f"  haversack --help                   {statistics.median(values) * 1e3:7.1f} ms"
        "   (bar: 200)"
    )
    size, names = json.loads(subprocess.check_output([sys.executable, "-c", _SIZE, *BASE]))
    print(
        f"  installed base set, no bytecode    {size / 1e6:7.0f} MB   (bar: 180; {len(names)} "
        "packages)"
    )


if __name__ == "__main__":
    main()
