"""Two commits side by side: serving, survey and jobs, each in turn, as ratios with their spread.

    .venv/bin/python benchmarks/paired.py BASE [HEAD] [--pairs 10] [--only photos,tiny,...]

Each commit gets a checkout and an environment of its own under build/paired, which stay for the
next time. Both servers run all the while; each kind is measured once on either side, in an order
that turns with each pair, so that what else the machine does meets both. A ratio above 1 is HEAD
being better. The interval is that of the median by order statistics: of ten pairs the second
ratio to the ninth, which holds it with 97.9 %.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import math
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import load
import onnx
import simplejpeg
from survey_material import OVERLAP, SIDE, detector, draw_photos, make_pack
from tensor_packs import write_models

from haversack.engine.cpus import usable_cpus
from haversack.samples.scenes import draw_scene

ROOT = Path(__file__).parents[1]
CHECKOUTS = ROOT / "build" / "paired"
MODEL = ROOT.parent / "shared" / "data" / "models" / "detect" / "FastestDet.onnx"
SECONDS = 2.0
JOBS, PHOTOS = 60, 3
TINY = b'{"inputs":[{"name":"rows","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}'
_READY = "Haversack is ready at "
_OUTSIDE = 0.025


@dataclass(frozen=True, kw_only=True)
class Side:
    """One commit, installed, with its server.

    Attributes:
        command: its `haversack`.
        port: of its server.
        folder: for what it writes.
    """

    command: Path
    port: int
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Material:
    """Packs and photos, made once by the commit that runs this file."""

    packs: dict[str, Path]
    photos: Path
    photo: bytes


Measure = Callable[[Side, Material], float]


def main() -> None:
    """Print the ratio of each kind."""
    words = argparse.ArgumentParser()
    words.add_argument("base")
    words.add_argument("head", nargs="?", default="HEAD")
    words.add_argument("--pairs", type=int, default=10)
    words.add_argument("--only", default=",".join(KINDS))
    given = words.parse_args()
    names = [commit_of(name) for name in (given.base, given.head)]
    print(
        f"{datetime.date.today()}  {platform.machine()}, {usable_cpus()} CPUs, Python "
        f"{platform.python_version()}; {names[0][:9]} against {names[1][:9]}, {given.pairs} pairs"
    )
    commands = [installed(name) for name in names]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        material = make(Path(folder))
        sides = [
            stack.enter_context(running(command, Path(folder) / f"side{number}", material))
            for number, command in enumerate(commands)
        ]
        for kind in given.only.split(","):
            print(told(kind, compare(KINDS[kind], sides, material, given.pairs)), flush=True)


def commit_of(name: str) -> str:
    """The whole name of a commit."""
    words = ["git", "-C", str(ROOT), "rev-parse", f"{name}^{{commit}}"]
    return subprocess.check_output(words, text=True).strip()


def installed(commit: str) -> Path:
    """The commit's own `haversack`."""
    checkout = CHECKOUTS / commit[:12]
    if not checkout.exists():
        subprocess.check_call(
            ["git", "-C", str(ROOT), "worktree", "add", "--quiet", "--detach", checkout, commit]
        )
    if not (checkout / ".venv" / ".base").exists():
        subprocess.check_call([str(checkout / "scripts" / "venv"), "base"])
    return checkout / ".venv" / "bin" / "haversack"


def make(folder: Path) -> Material:
    """FastestDet, a tiny graph, a detector of 4 GFLOP; a photo of 1.2 MP and some of 24."""
    own = Path(sys.executable).with_name("haversack")

    def imported(model: Path, name: str, *options: str) -> Path:
        words = [own, "pack", "import", model, "--name", name, *options, "-o", folder / "packs"]
        subprocess.run([str(word) for word in words], check=True, capture_output=True)
        return folder / "packs" / name / "1"

    models = write_models(folder)
    plain = ("--head", "none", "--geometry", "none")
    packs = {name: imported(path, name, *plain) for name, path in models.items()}
    packs["fastestdet"] = imported(MODEL, "fastestdet", "--preset", "fastestdet")
    onnx.save(detector(), folder / "bench.onnx")
    make_pack(folder / "bench.onnx", folder / "packs")
    packs["bench"] = folder / "packs" / "bench" / "1"
    scene = draw_scene(1, width=1280, height=960)
    return Material(
        packs=packs,
        photos=draw_photos(folder / "photos", PHOTOS),
        photo=simplejpeg.encode_jpeg(scene.pixels, quality=90),
    )


@contextlib.contextmanager
def running(command: Path, folder: Path, material: Material) -> Iterator[Side]:
    """A server of that commit."""
    folder.mkdir()
    packs = [material.packs[name] for name in ("fastestdet", "tiny", "planes")]
    words = [command, "serve", *packs, "--port", "0", "--state", folder / "state"]
    process = subprocess.Popen(
        [str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline().removeprefix(_READY).strip().rpartition(":")[2])
        yield Side(command=command, port=port, folder=folder)
    finally:
        process.terminate()
        process.wait()


def compare(measure: Measure, sides: list[Side], material: Material, pairs: int) -> list[float]:
    """HEAD by BASE of each pair, in order."""
    for side in sides:
        measure(side, material)
    ratios = []
    for number in range(pairs):
        order = (0, 1) if number % 2 else (1, 0)
        seen = {which: measure(sides[which], material) for which in order}
        ratios.append(seen[1] / seen[0])
    return sorted(ratios)


def told(kind: str, ratios: list[float]) -> str:
    """One line."""
    low, high = interval(ratios)
    return (
        f"{kind:8} {statistics.median(ratios):.3f} x  ({low:.3f} to {high:.3f}; all "
        f"{ratios[0]:.3f} to {ratios[-1]:.3f})"
    )


def interval(ratios: list[float]) -> tuple[float, float]:
    """Of the median, with 95 % or more where there are six ratios; all of them where fewer."""
    count, left, tail = len(ratios), 0, 0.0
    while left < count // 2:
        tail += math.comb(count, left) / 2**count
        if tail > _OUTSIDE:
            break
        left += 1
    left = max(left - 1, 0)
    return ratios[left], ratios[count - 1 - left]


def photos(side: Side, material: Material) -> float:
    """Photo uploads a second, 16 at once."""
    ask = load.post(side.port, "/predict/fastestdet", material.photo)
    return _rate(load.run(ask, clients=16, seconds=SECONDS))


def one_photo(side: Side, material: Material) -> float:
    """Photo uploads a second, one after another."""
    ask = load.post(side.port, "/predict/fastestdet", material.photo)
    return _rate(load.run(ask, clients=1, seconds=SECONDS))


def tiny(side: Side, material: Material) -> float:
    """Tiny JSON requests a second, 16 at once."""
    ask = load.post(side.port, "/v2/models/tiny/infer", TINY, Content_Type="application/json")
    return _rate(load.run(ask, clients=16, seconds=SECONDS))


def tensor(side: Side, material: Material) -> float:
    """Binary tensors of 600 KB a second, 16 at once."""
    size = 4 * 3 * 224 * 224
    told = {"name": "image", "datatype": "FP32", "shape": [1, 3, 224, 224]}
    head = json.dumps({"inputs": [told | {"parameters": {"binary_data_size": size}}]}).encode()
    length, body = str(len(head)), head + bytes(size)
    ask = load.post(
        side.port, "/v2/models/planes/infer", body, Inference_Header_Content_Length=length
    )
    return _rate(load.run(ask, clients=16, seconds=SECONDS))


def survey(side: Side, material: Material) -> float:
    """Photos of 24 MP a second, of a whole `survey run`."""
    out = Path(tempfile.mkdtemp(dir=side.folder)) / "run"
    words = [side.command, "survey", "run", material.photos, "--pack", material.packs["bench"]]
    words += ["--out", out, "--tile", SIDE, "--overlap", OVERLAP, "--threads", 2, "--batch", 1]
    began = time.perf_counter()
    subprocess.run([str(word) for word in [*words, "--quiet"]], check=True, capture_output=True)
    return PHOTOS / (time.perf_counter() - began)


def jobs(side: Side, material: Material) -> float:
    """Jobs of one photo a second, from the first put until the last is done."""
    began = time.perf_counter()
    url = f"http://127.0.0.1:{side.port}"
    names = []
    for _ in range(JOBS):
        request = urllib.request.Request(f"{url}/jobs/fastestdet", material.photo, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            names.append(json.load(answer)["id"])
    for name in names:
        while _state(url, name) in ("queued", "running"):
            time.sleep(0.01)
    return JOBS / (time.perf_counter() - began)


def _state(url: str, name: str) -> str:
    with urllib.request.urlopen(f"{url}/jobs/{name}", timeout=60) as answer:
        state: str = json.load(answer)["state"]
        return state


def _rate(seen: load.Load) -> float:
    if seen.errors:
        raise SystemExit(f"{seen.errors} requests were not answered with 200")
    return seen.rate


KINDS: dict[str, Measure] = {
    "photos": photos,
    "photo": one_photo,
    "tiny": tiny,
    "tensor": tensor,
    "survey": survey,
    "jobs": jobs,
}

if __name__ == "__main__":
    main()
