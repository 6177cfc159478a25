"""Steps of benchmarks/gpu.py on Haversack itself: photos, tiles, a herd, fit, a server, surveys."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gpu_cuda
import load
import numpy as np
import simplejpeg
from gpu_bare import Feed, Tell, attempt, rate_together, seconds_a_call
from gpu_compare import Difference, Rows
from gpu_material import Bench
from numpy.typing import NDArray
from PIL import Image

from haversack.engine.cpus import usable_cpus
from haversack.engine.fitted import Fitted
from haversack.engine.ort import open_session
from haversack.engine.photo import DecodedPhoto
from haversack.engine.predictor import Predictor, PredictorOptions
from haversack.engine.results import PackIdentity
from haversack.engine.session import Session, SessionOptions
from haversack.engine.tasks.task import TaskOutcome
from haversack.engine.tiles import TileGrid, cut
from haversack.packfile.archive import open_pack
from haversack.survey.flow.tile_inference import TileView, infer_tiles

_COMMAND = (sys.executable, "-m", "haversack")
_START_SECONDS = 30.0


def predict(bench: Bench, tell: Tell) -> None:
    """One photo at a time, and several callers at once, on the CPU and on the device."""
    for name, pack in bench.packs.items():
        for photo in (_small(bench), bench.first_photo, *bench.real_photos[:1]):
            data = photo.read_bytes()
            for device in dict.fromkeys(("cpu", bench.device)):
                label = f"{name}, {photo.name} of {len(data) / 1e6:.1f} MB, {device}"
                attempt(tell, label, partial(_predict, bench, pack, device, data))


def _small(bench: Bench) -> Path:
    """A photo of a fifth of the side, such as people send to a server."""
    path = bench.folder / "small.jpg"
    if not path.exists():
        width, height = bench.scale.photo
        small = Image.open(bench.first_photo).resize((width // 5, height // 5))
        small.save(path, quality=90)
    return path


def _predict(bench: Bench, pack: Path, device: str, data: bytes) -> dict[str, Any]:
    predictor = _open(pack, device)
    alone = seconds_a_call(lambda: predictor.predict(data), bench.scale.seconds)
    calls = [lambda: predictor.predict(data)] * bench.scale.clients
    together = rate_together(calls, bench.scale.seconds)
    return {"ms": _ms(alone), f"per_second_{bench.scale.clients}_at_once": round(together, 1)}


def tiles(bench: Bench, tell: Tell) -> None:
    """What a survey's thread does with a batch, beside the model alone."""
    batch = bench.scale.batch
    predictor = _open(bench.drawn, bench.device)
    seen = _views(bench, bench.first_photo)[:batch]
    seen = [seen[i % len(seen)] for i in range(batch)]

    def told(name: str, calls: Sequence[Callable[[], object]]) -> None:
        def measured() -> dict[str, Any]:
            rate = rate_together(calls, bench.scale.seconds)
            return {"tiles_per_second": round(rate * batch, 1), "ms": _ms(len(calls) / rate)}

        attempt(tell, f"batch {batch}: {name}", measured)

    fitted = [predictor.fit(_photo(view)) for view in seen]
    told("looked at by one thread", [lambda: infer_tiles(predictor, seen, fill_to=batch)])
    told("looked at by two threads", [lambda: infer_tiles(predictor, seen, fill_to=batch)] * 2)
    told("fitted", [lambda: [predictor.fit(_photo(view)) for view in seen]])
    told("inferred", [lambda: predictor.infer(fitted)])
    stacked: Feed = {
        "pixels": np.stack([one.pixels for one in fitted]),
        "placement": np.stack([one.placement for one in fitted]),
    }
    told("model alone, stacked before", [lambda: predictor.run(stacked)])


def fit(bench: Bench, tell: Tell) -> None:
    """fit.onnx on the CPU and on the device: tiles that must be resized, and whole photos."""
    side = bench.scale.side
    width, height = bench.scale.photo
    shapes = [(side // 2,) * 2, (side * 4 // 5,) * 2, (width // 5, height // 5), (width, height)]
    pixels = simplejpeg.decode_jpeg(bench.first_photo.read_bytes(), "RGB")
    kinds: list[tuple[str, int | None]] = [("cpu", 1), ("cpu", 4), ("cpu", None)]
    kinds += [(bench.device, None)] if bench.device != "cpu" else []
    for name, pack in bench.packs.items():
        for device, threads in kinds:
            options = SessionOptions(device=device, threads=threads, spin_between_calls=False)
            session = open_session(pack / "fit.onnx", options)
            for wide, high in shapes:
                image = np.ascontiguousarray(pixels[:high, :wide])
                label = f"{name}, {wide} x {high}, {device}, {threads or 'all'} threads"
                attempt(tell, label, partial(_timed, bench, partial(session.run, {"image": image})))
                if device != "cpu":
                    told = partial(_apart, pack / "fit.onnx", session, image)
                    attempt(tell, f"{name}, {wide} x {high}, {device} beside the CPU", told)


def _apart(graph: Path, session: Session, image: NDArray[np.uint8]) -> dict[str, Any]:
    """How far the pixels of fit.onnx on the device are from the CPU's."""
    one = open_session(graph, SessionOptions()).run({"image": image})
    two = session.run({"image": image})
    levels = np.abs(one["pixels"].astype(np.int16) - two["pixels"].astype(np.int16))
    return {
        "levels_most": int(levels.max()),
        "pixels_differ_percent": round(100 * float((levels > 0).mean()), 3),
        "pixels_by_more_than_one_percent": round(100 * float((levels > 1).mean()), 3),
        "placement_most": float(np.abs(one["placement"] - two["placement"]).max()),
    }


def _timed(bench: Bench, call: Callable[[], object]) -> dict[str, Any]:
    return {"ms": _ms(seconds_a_call(call, bench.scale.seconds / 3))}


@dataclass
class _Counting:
    """A model that counts what it is asked."""

    predictor: Predictor
    calls: int = 0
    rows: int = 0

    @property
    def identity(self) -> PackIdentity:
        return self.predictor.identity

    def fit(self, image: DecodedPhoto) -> Fitted:
        return self.predictor.fit(image)

    def infer(self, photos: Sequence[Fitted]) -> list[TaskOutcome]:
        self.calls += 1
        self.rows += len(photos)
        return self.predictor.infer(photos)


def herd(bench: Bench, tell: Tell) -> None:
    """Tiles with too many candidates, which are looked at again as quarters."""
    batch = bench.scale.batch
    seen = _views(bench, bench.folder / "herd" / "herd.jpg")[:batch]
    for name, pack in (("herd", bench.herd), ("bench", bench.drawn)):
        attempt(
            tell, f"{name}, {len(seen)} tiles, batch {batch}", partial(_herd, bench, pack, seen)
        )


def _herd(bench: Bench, pack: Path, seen: list[TileView]) -> dict[str, Any]:
    predictor = _open(pack, bench.device)
    fill_to = bench.scale.batch if bench.device != "cpu" else 1
    infer_tiles(predictor, seen[:1], fill_to=fill_to)  # the first calls find kernels
    counting = _Counting(predictor)
    started = time.perf_counter()
    findings = infer_tiles(counting, seen, fill_to=fill_to)
    return {
        "seconds": round(time.perf_counter() - started, 3),
        "quartered": sum(finding.quartered for finding in findings),
        "calls": counting.calls,
        "rows": counting.rows,
    }


def serve(bench: Bench, tell: Tell) -> None:
    """Photos over HTTP, several at once, and what the server reckons with on the device."""
    for device in dict.fromkeys(("cpu", bench.device)):
        for name, pack in bench.packs.items():
            label = f"server on {device}, {name}, {bench.scale.clients} at once"
            attempt(tell, label, partial(_serve, bench, device, pack))


def _serve(bench: Bench, device: str, pack: Path) -> dict[str, Any]:
    data = _small(bench).read_bytes()
    name = open_pack(pack).manifest.name
    with _server(bench, device, pack) as port:
        ask = load.post(port, f"/predict/{name}", data)
        told = load.run(ask, clients=bench.scale.clients, seconds=3 * bench.scale.seconds)
        (model,) = _status(port)["models"]
    return {
        "device": model["device"],
        "device_mb": model["device_bytes"] // 1_000_000,
        "process_mb": model["bytes"] // 1_000_000,
        "per_second": round(told.rate, 1),
        "p50_ms": round(told.p50_ms, 1),
        "p99_ms": round(told.p99_ms, 1),
        "errors": told.errors,
    }


@contextmanager
def _server(bench: Bench, device: str, pack: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [*_COMMAND, "serve", str(pack), "--port", str(port)]
    words += ["--state", str(bench.folder / "state")]
    words += ["--device", device]
    going = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and going.poll() is None and not _is_ready(port):
            time.sleep(0.05)
        yield port
    finally:
        going.send_signal(signal.SIGTERM)
        try:
            going.wait(timeout=10)
        except subprocess.TimeoutExpired:
            going.kill()
            going.wait()


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=5) as told:
            return bool(told.status == 200)
    except OSError:
        return False


def _status(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=5) as told:
        found: dict[str, Any] = json.load(told)
    return found


def survey(bench: Bench, tell: Tell) -> None:
    """The command on every drawn photo: as it measures itself, then with 1 and 2 threads."""
    out = bench.folder / "runs"
    attempt(tell, "survey, as it measures itself", partial(_survey, bench, out / "tuned"))
    tuned = _speed(out / "tuned") if (out / "tuned" / "run.toml").exists() else {}
    batch = str(tuned.get("batch", bench.scale.batch))
    for threads in bench.scale.threads:
        words = ("--threads", str(threads), "--batch", batch)
        label = f"survey, {threads} threads, batch {batch}"
        attempt(tell, label, partial(_survey, bench, out / str(threads), *words))
    words = ("--threads", str(bench.scale.threads[-1]), "--batch", str(bench.scale.batch))
    attempt(tell, f"survey, {' '.join(words)}", partial(_survey, bench, out / "full", *words))
    side = str(bench.scale.side * 4 // 5)
    fitted = partial(_survey, bench, out / "fitted", *words, "--tile", side)
    attempt(tell, f"survey, {' '.join(words)}, tiles of {side} px", fitted)
    herds = partial(_survey, bench, out / "herd", *words, part=_Part(bench.herd, photos="herd"))
    attempt(tell, f"survey of one herd, {' '.join(words)}", herds)


@dataclass(frozen=True)
class _Part:
    """What looks at what: a pack, at a folder of the material; by default on the device."""

    pack: Path
    photos: str = "photos"
    device: str = ""


def _survey(bench: Bench, out: Path, *words: str, part: _Part | None = None) -> dict[str, Any]:
    """One run of the command to its end."""
    asked = part or _Part(bench.drawn)
    device = asked.device or bench.device
    command = [*_COMMAND, "survey", "run", str(bench.folder / asked.photos), "--out", str(out)]
    command += ["--pack", str(asked.pack), "--device", device, "--quiet", *words]
    if asked.pack != bench.pack:
        command += ["--overlap", str(bench.scale.overlap), "--threshold", "0.05"]
    started = time.monotonic()
    with gpu_cuda.watching() as watch, (bench.folder / "survey.log").open("w+b") as log:
        going = subprocess.Popen(command, stdout=log, stderr=log)
        _, status, usage = os.wait4(going.pid, 0)
        going.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0, io.SEEK_SET)
        said = log.read()[-600:].decode(errors="replace")
    whole = time.monotonic() - started
    if going.returncode:
        raise RuntimeError(f"it ended with {going.returncode}: {said}")
    told = json.loads(subprocess.check_output([*_COMMAND, "survey", "status", out, "--json"]))
    speed = _speed(out)
    return {
        "photos": told["photos"]["done"],
        "seconds": round(told["seconds"], 3),
        "whole_s": round(whole, 2),
        "tiles_per_second": round(told["tiles"] / max(told["seconds"], 1e-9), 1),
        "batch": speed["batch"],
        "threads": speed["threads"],
        "tuned_to": speed["tiles_per_second"],
        "cpu_s_a_photo": round(told["cpu_seconds"] / max(1, told["photos"]["done"]), 3),
        "peak_mb": usage.ru_maxrss // 1000,
        **watch.told(),
    }


def _speed(out: Path) -> dict[str, Any]:
    """How the run says that it was run."""
    told: dict[str, Any] = tomllib.loads((out / "run.toml").read_text())["speed"]
    return told


def rows(bench: Bench, tell: Tell) -> None:
    """Rows of a survey on the device beside the CPU's."""
    few = bench.folder / "few"
    few.mkdir()
    for photo in sorted(bench.photos.iterdir())[:4]:
        os.link(photo, few / photo.name)
    for number, real in enumerate(bench.real_photos):
        (few / f"real{number}{real.suffix}").write_bytes(real.read_bytes())
    for name, pack in {**bench.packs, "bench": bench.seeing}.items():
        out = bench.folder / "rows" / name
        words = ("--batch", "1", "--threads", str(usable_cpus()))
        _survey(bench, out / "cpu", *words, part=_Part(pack, "few", "cpu"))
        words = ("--batch", str(bench.scale.batch), "--threads", "2")
        run = partial(_survey, bench, out / "device", *words, part=_Part(pack, "few"))
        attempt(tell, f"rows of {name} on {bench.device}", partial(_compared, run, out))


def _compared(run: Callable[[], dict[str, Any]], out: Path) -> dict[str, Any]:
    run()
    told: dict[str, Any] = {}
    for table in ("raw", "found"):
        one, two = _kept(out / "cpu", table), _kept(out / "device", table)
        difference = Difference()
        for key in sorted(one.keys() | two.keys()):
            difference.add(one.get(key, _NOTHING), two.get(key, _NOTHING))
        told |= {f"{table}_{name}": value for name, value in difference.told().items()}
    return told


_NOTHING = Rows(boxes=np.zeros((0, 4)), scores=np.zeros(0), class_ids=np.zeros(0, np.int64))


def _kept(run: Path, table: str) -> dict[tuple[Any, ...], Rows]:
    """Rows of a run by photo, and by tile where they are raw."""
    tile = "tile" if table == "raw" else "0"
    base = sqlite3.connect(run / "run.sqlite")
    try:
        told = base.execute(
            f"SELECT photo.path, {tile}, class_id, score, x1, y1, x2, y2 FROM {table} "
            "JOIN photo ON photo.id = photo_id"
        ).fetchall()
    finally:
        base.close()
    by_key: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for path, number, *values in told:
        by_key.setdefault((path, number), []).append(tuple(values))
    return {key: _as_rows(np.array(values)) for key, values in by_key.items()}


def _as_rows(values: Any) -> Rows:
    return Rows(boxes=values[:, 2:], scores=values[:, 1], class_ids=values[:, 0].astype(np.int64))


def _open(pack: Path, device: str) -> Predictor:
    session = SessionOptions(device=device)
    return Predictor(open_pack(pack), PredictorOptions(session=session))


def _views(bench: Bench, photo: Path) -> list[TileView]:
    pixels = simplejpeg.decode_jpeg(photo.read_bytes(), "RGB")
    height, width = pixels.shape[:2]
    grid = TileGrid(width=width, height=height, tile=bench.scale.side, overlap=bench.scale.overlap)
    return [TileView(pixels=cut(pixels, tile), tile=tile, grid=grid) for tile in grid]


def _photo(view: TileView) -> DecodedPhoto:
    height, width = view.pixels.shape[:2]
    return DecodedPhoto(pixels=view.pixels, width=width, height=height, shrink=1, format="tile")


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 2)
