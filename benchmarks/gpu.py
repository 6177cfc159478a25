"""A pack, a server and a survey on a GPU, step by step, in nine minutes at most.

    .venv/bin/python benchmarks/gpu.py [--device cuda] [--pack PACK] [--pictures FOLDER]
        [--photos 40] [--only session,fit] [--json gpu.json] [--limit 540]

Each step runs in a process of its own with a limit of its own, and writes each figure as soon as
it has it, so that a step that fails, hangs or dies costs only what it had still to measure. It
runs on a CPU as well (--device cpu), and with --small in seconds, to try the script itself. What
the card gives is in the order of the steps: where the nodes are, the bare graph, options of the
provider, ways to bring a batch to the card, then what Haversack makes of it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# As haversack.engine.ort has it: before the runtime is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import gpu_cuda
import gpu_material
import gpu_sessions
import gpu_steps
import onnxruntime
from gpu_bare import Tell
from gpu_material import FULL, SMALL, Bench

from haversack.engine.cpus import usable_cpus

# In this order, with seconds that each may take.
STEPS = {
    "providers": (gpu_sessions.providers, 60),
    "sessions": (gpu_sessions.sessions, 150),
    "options": (gpu_sessions.options, 90),
    "binding": (gpu_sessions.binding, 60),
    "tiles": (gpu_steps.tiles, 40),
    "fit": (gpu_steps.fit, 40),
    "herd": (gpu_steps.herd, 40),
    "survey": (gpu_steps.survey, 120),
    "rows": (gpu_steps.rows, 60),
    "predict": (gpu_steps.predict, 60),
    "serve": (gpu_steps.serve, 40),
}


def main() -> None:
    """Run the steps, print a table, write the JSON; or, in a child, be one step."""
    given = _words()
    if given.step:
        _be_step(given)
        return
    started = time.monotonic()
    chosen = given.only.split(",") if given.only else list(STEPS)
    unknown = [name for name in chosen if name not in STEPS]
    if unknown:
        raise SystemExit(f"no step {', '.join(unknown)}; there are {', '.join(STEPS)}")
    told: dict[str, Any] = {**_about(given), "steps": []}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        gpu_material.make(folder, SMALL if given.small else FULL, given.photos)
        told["material_seconds"] = round(time.monotonic() - started, 1)
        for step in chosen:
            left = given.limit - (time.monotonic() - started)
            told["steps"].append(_step(step, given, folder, left))
            _print(told["steps"][-1])
            if given.json is not None:
                given.json.write_text(json.dumps(told, indent=1))
    failed = [step["name"] for step in told["steps"] if "error" in step]
    print(f"{time.monotonic() - started:.0f} s in all; failed: {', '.join(failed) or 'none'}")


def _words() -> argparse.Namespace:
    words = argparse.ArgumentParser()
    words.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    words.add_argument("--pack", type=Path, help="a pack of a real detector, a folder")
    words.add_argument("--pictures", type=Path, help="a folder of real photos for it")
    words.add_argument("--photos", type=int, default=40)
    words.add_argument("--only", default="", help=",".join(STEPS))
    words.add_argument("--small", action="store_true")
    words.add_argument("--limit", type=float, default=540.0, help="seconds of all steps")
    words.add_argument("--json", type=Path)
    words.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    words.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return words.parse_args()


def _about(given: argparse.Namespace) -> dict[str, Any]:
    told = {
        "date": datetime.date.today().isoformat(),
        "command": " ".join(["benchmarks/gpu.py", *sys.argv[1:]]),
        "device": given.device,
        "card": gpu_cuda.card(),
        "machine": f"{platform.machine()}, {usable_cpus()} CPUs",
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
    }
    print("  ".join(f"{key}: {value}" for key, value in told.items()), flush=True)
    return told


def _step(name: str, given: argparse.Namespace, folder: Path, left: float) -> dict[str, Any]:
    """What a step told until its end, or until its limit."""
    started = time.monotonic()
    told: dict[str, Any] = {"name": name}
    limit = min(float(STEPS[name][1]), left)
    if limit < 1:
        return told | {"error": "no time was left for it"}
    words = [sys.executable, __file__, *sys.argv[1:], "--step", name, "--folder", str(folder)]
    log = folder / f"{name}.log"
    with log.open("wb") as stream:
        going = subprocess.Popen(words, stdout=stream, stderr=stream, start_new_session=True)
        try:
            if code := going.wait(timeout=limit):
                told["error"] = f"it ended with {code}: {_end(log)}"
        except subprocess.TimeoutExpired:
            told["error"] = f"it was not done after {limit:.0f} s"
        finally:
            _end_group(going)
    told["seconds"] = round(time.monotonic() - started, 1)
    lines = _figures(folder, name)
    told["figures"] = (
        [json.loads(line) for line in lines.read_text().splitlines()] if (lines.exists()) else []
    )
    return told


def _end(log: Path) -> str:
    return log.read_text(errors="replace")[-800:].strip()


def _end_group(going: subprocess.Popen[bytes]) -> None:
    """The step, and the server or survey that it began."""
    if going.poll() is None:
        os.killpg(going.pid, 9)
        going.wait()


def _figures(folder: Path, step: str) -> Path:
    return folder / f"{step}.figures"


def _be_step(given: argparse.Namespace) -> None:
    real_photos = sorted(given.pictures.glob("*.jpg")) if given.pictures is not None else []
    bench = Bench(
        device=given.device,
        scale=SMALL if given.small else FULL,
        folder=given.folder,
        pack=given.pack,
        real_photos=tuple(real_photos),
    )
    with _figures(given.folder, given.step).open("w") as stream:

        def tell(what: str, **values: Any) -> None:
            stream.write(json.dumps({"what": what, **values}) + "\n")
            stream.flush()

        work: Tell = tell
        STEPS[given.step][0](bench, work)


def _print(step: dict[str, Any]) -> None:
    print(f"{step['name']}  ({step.get('seconds', 0):.1f} s)")
    for figure in step.get("figures", []):
        values = "  ".join(f"{key} {value}" for key, value in figure.items() if key != "what")
        print(f"  {figure['what']:48}  {values}")
    if "error" in step:
        print(f"  FAILED: {step['error']}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
