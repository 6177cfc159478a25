"""Speed and memory of a survey: against its floor, SAHI and supervision's InferenceSlicer.

    .venv/bin/python benchmarks/survey.py [PHOTOS] [ROUNDS]

Drawn 24-MP JPEGs (quality 92), 54 tiles each, one random-weight detector of about 4 GFLOP for all
sides, in turn in one run; each side in a process of its own. The floor is the CPU time that
decoding one photo and running the bare model on 54 tiles take, each alone on one thread, divided
by the cores. Ratios are what counts. Peers live in environments of their own under build/peers.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# As haversack.engine.ort has it: before the runtime is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnx
import onnxruntime
import simplejpeg
from peers import peer_python
from survey_material import OVERLAP, SIDE, detector, draw_photos, gigaflop, make_pack

from haversack.engine.cpus import usable_cpus

COMMAND = Path(sys.executable).with_name("haversack")
TILES = 54
FLOOR_TILES = 16
SAHI_BAR, MEMORY_BAR, FLOOR_BAR = 0.75, 400e6, 0.9


def main() -> None:
    """Print every figure and ratio."""
    if sys.argv[1:2] == ["floor"]:
        print(json.dumps(measure_floor(*map(Path, sys.argv[2:5]))))
        return
    if sys.argv[1:2] == ["draw"]:
        make(Path(sys.argv[2]), int(sys.argv[3]))
        return
    photos = int(sys.argv[1]) if sys.argv[1:] else 12
    rounds = int(sys.argv[2]) if sys.argv[2:] else 3
    print(
        f"{datetime.date.today()}  {platform.machine()}, {usable_cpus()} CPUs, Python "
        f"{platform.python_version()}, onnxruntime {onnxruntime.__version__}; {photos} photos, "
        f"{rounds} rounds; {gigaflop():.2f} GFLOP a tile"
    )
    packages = (f"onnxruntime=={onnxruntime.__version__}", "sahi", "supervision")
    peers = peer_python("slicers", packages)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a child: Linux counts what a parent holds at the fork into the peak of its children.
        subprocess.check_call([sys.executable, __file__, "draw", name, str(photos)])
        size = sum(path.stat().st_size for path in (folder / "photos").iterdir()) / photos
        print(f"a photo has {size / 1e6:.1f} MB on disk")
        compare(folder, peers, rounds)


def make(folder: Path, photos: int) -> None:
    """Photos, model and pack."""
    draw_photos(folder / "photos", photos)
    onnx.save(detector(), folder / "bench.onnx")
    make_pack(folder / "bench.onnx", folder / "packs")


def compare(folder: Path, peers: Path | None, rounds: int) -> None:
    """Each side in turn, `rounds` times; medians and ratios."""
    model, source, pack = folder / "bench.onnx", folder / "photos", folder / "packs" / "bench" / "1"
    paths = [str(path) for path in sorted(source.iterdir())]
    told: dict[str, list[dict[str, Any]]] = {}
    speed = tuned(source, pack, folder / "tuned")
    print(f"measured by the run itself: batch {speed['batch']}, {speed['threads']} threads")
    for number in range(rounds):
        floor = child(sys.executable, __file__, "floor", model, pack / "model.onnx", paths[0])
        told.setdefault("floor", []).append(floor)
        ours = survey(source, pack, folder / f"run{number}", speed)
        told.setdefault("haversack", []).append(ours)
        for peer in ("sahi", "supervision") if peers is not None else ():
            script = Path(__file__).with_name("survey_peers.py")
            told.setdefault(peer, []).append(child(peers, script, peer, model, *paths))
    for side, rows in told.items():
        middle = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
        print(f"  {side:12}" + "  ".join(_figure(key, value) for key, value in middle.items()))
    _ratios(told)


def _figure(key: str, value: float) -> str:
    if key == "peak":
        return f"peak {value / 1e6:.0f} MB"
    return f"{key} {value:.0f}" if key == "found" else f"{key} {value:.3f} s a photo"


def _ratios(told: dict[str, list[dict[str, Any]]]) -> None:
    """Medians of the ratios of each round."""

    def ratio(side: str, other: str, key: str = "seconds") -> float:
        pairs = zip(told[side], told[other], strict=True)
        return float(statistics.median(one[key] / two[key] for one, two in pairs))

    print(f"  floor / haversack         {ratio('floor', 'haversack'):.2f}   (bar: {FLOOR_BAR})")
    for peer in ("sahi", "supervision"):
        if peer in told:
            bar = f"   (bar: {SAHI_BAR})" if peer == "sahi" else ""
            print(f"  haversack / {peer:13} {ratio('haversack', peer):.2f}{bar}")
    peak = max(row["peak"] for row in told["haversack"])
    print(f"  peak of haversack         {peak / 1e6:.0f} MB   (bar: {MEMORY_BAR / 1e6:.0f})")


def child(*words: object) -> dict[str, Any]:
    """What a child prints as JSON in its last line."""
    text = subprocess.check_output([str(word) for word in words], text=True)
    told: dict[str, Any] = json.loads(text.strip().splitlines()[-1])
    return told


def tuned(source: Path, pack: Path, out: Path) -> dict[str, int]:
    """Batch and threads, as a run measures them for itself; the photos are looked at too."""
    one = out.with_name("one")
    one.mkdir()
    os.link(source / "00000.jpg", one / "00000.jpg")
    run(one, pack, out)
    text = (out / "run.toml").read_text()
    values = dict(
        line.split(" = ") for line in text.splitlines() if line.startswith(("batch", "thr"))
    )
    return {"batch": int(values["batch"]), "threads": int(values["threads"])}


def survey(source: Path, pack: Path, out: Path, speed: dict[str, int]) -> dict[str, Any]:
    """Our own side: the installed command."""
    options = ["--batch", str(speed["batch"]), "--threads", str(speed["threads"])]
    peak = run(source, pack, out, *options)
    status = json.loads(subprocess.check_output([COMMAND, "survey", "status", out, "--json"]))
    photos = status["photos"]["done"]
    if status["tiles"] != TILES * photos:
        raise SystemExit(f"{status['tiles']} tiles for {photos} photos; {TILES} each were expected")
    return {
        "seconds": status["seconds"] / photos,
        "cpu": status["cpu_seconds"] / photos,
        "peak": peak,
        "found": sum(status["objects"].values()),
    }


def run(source: Path, pack: Path, out: Path, *options: str) -> int:
    """One run to its end; the peak of its memory in bytes."""
    grid = ["--tile", str(SIDE), "--overlap", str(OVERLAP), "--quiet"]
    words = [COMMAND, "survey", "run", source, "--pack", pack, "--out", out, *grid, *options]
    going = subprocess.Popen(
        [str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(going.pid, 0)
    going.returncode = os.waitstatus_to_exitcode(status)
    if going.returncode:
        raise SystemExit(f"the survey ended with {going.returncode}")
    return usage.ru_maxrss * 1024


def measure_floor(model: Path, graph: Path, photo: Path) -> dict[str, float]:
    """CPU-seconds of decoding and of the pack's graph on 54 tiles, each alone, over the cores.

    `network` is the model as it came, without casting, reading of boxes and NMS.
    """
    data = photo.read_bytes()
    decode = statistics.median(_cpu(lambda: simplejpeg.decode_jpeg(data, "RGB")) for _ in range(5))
    pixels = np.ascontiguousarray(simplejpeg.decode_jpeg(data, "RGB")[:SIDE, :SIDE])
    floats = np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32)[None] / 255
    placement = np.array([[1, 1, 0, 0]], np.float32)
    network = TILES * _tile(model, {"images": floats})
    inference = TILES * _tile(graph, {"pixels": pixels[None], "placement": placement})
    return {
        "seconds": (decode + inference) / usable_cpus(),
        "decode": decode,
        "model": inference,
        "network": network,
    }


def _tile(graph: Path, inputs: dict[str, Any]) -> float:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    session.run(None, inputs)
    return statistics.median(_cpu(lambda: session.run(None, inputs)) for _ in range(FLOOR_TILES))


def _cpu(call: Any) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


if __name__ == "__main__":
    main()
