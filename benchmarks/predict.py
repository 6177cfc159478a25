"""Speed and memory of one pack against the bare model, and what Haversack itself weighs.

    make bench
    .venv/bin/python benchmarks/predict.py MODEL.onnx LABELS PHOTO...

The model is YOLOX-Nano (416 x 416); both sides get the same threads, the same session settings and
the same photos, in turn, in one run. Ratios are what counts: the machine's speed drifts. The peer
needs OpenCV: uv pip install opencv-python-headless.
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
from functools import partial
from pathlib import Path

from bare import BareYolox

from haversack.engine.allocator import settle
from haversack.engine.cpus import usable_cpus
from haversack.engine.predictor import Predictor
from haversack.packfile.archive import open_pack

ROUNDS = 9
PHOTOS_A_ROUND = 70
SHARED = Path(__file__).parents[2] / "shared" / "data"
COMMAND = Path(sys.executable).with_name("haversack")
BASE = ("click", "msgspec", "numpy", "onnxruntime", "pillow", "rich", "simplejpeg", "tomli-w")

# Runs in a fresh process: the peak of a whole process that predicts N photos in one call.
_PEAK = """
import re, sys
from pathlib import Path
from haversack.engine.allocator import settle, trim
settle()
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
    """Print every figure; or, in a child of _speed, one side's."""
    if sys.argv[1:2] and sys.argv[1] in ("pack", "bare", "session"):
        print(_one_side(sys.argv[1], Path(sys.argv[2]), [Path(word) for word in sys.argv[3:]]))
        return
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
    words = [
        "--name",
        "yolox-nano",
        "--preset",
        "yolox",
        "--labels",
        str(labels),
        "-o",
        str(folder),
    ]
    samples = [word for photo in photos[:4] for word in ("--samples", photo)]
    command = [COMMAND, "pack", "import", model, *words, *samples]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "yolox-nano" / "1"


def _speed(pack: Path, model: Path, photos: list[Path]) -> None:
    """Milliseconds a photo; each side in a process of its own, in turn.

    In one process the threads of one side's session would spin while the other side works.
    """
    sides = {"pack": pack, "bare": model, "session": model}
    medians: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(ROUNDS):
        for side, source in sides.items():
            words = [sys.executable, __file__, side, str(source), *map(str, photos)]
            medians[side].append(float(subprocess.check_output(words)))
    print(
        f"  whole pack                         {statistics.median(medians['pack']):7.1f} ms a photo"
    )
    print(f"  whole bare script                  {statistics.median(medians['bare']):7.1f} ms")
    print(f"  the bare model's session alone     {statistics.median(medians['session']):7.1f} ms")
    pairs = zip(medians["pack"], medians["bare"], strict=True)
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    print(
        f"  pack / bare, median of {ROUNDS} rounds    {statistics.median(ratios):7.2f}   "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f}; bar: 1.10)"
    )


def _one_side(side: str, source: Path, photos: list[Path]) -> float:
    """The median of one side's photos, in ms; runs in a child."""
    data = [photo.read_bytes() for photo in photos]
    if side == "pack":
        settle()
        predictor = Predictor(open_pack(source))
        calls: list[Callable[[], object]] = [partial(predictor.predict, photo) for photo in data]
    else:
        bare = BareYolox(source, usable_cpus())
        calls = [partial(bare.predict, photo) for photo in data]
        if side == "session":
            feeds = [bare.feed(photo)[0] for photo in data]
            calls = [partial(bare.session.run, None, {"images": values}) for values in feeds]
    seconds = []
    for turn in range(PHOTOS_A_ROUND + len(calls)):
        started = time.perf_counter()
        calls[turn % len(calls)]()
        if turn >= len(calls):
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1e3


def _memory(pack: Path, photo: Path) -> None:
    for count in (1, 4, 8):
        words = [sys.executable, "-c", _PEAK, str(pack), str(photo), str(count)]
        peak = statistics.median(int(subprocess.check_output(words)) for _ in range(5)) / 1e6
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
