"""Count error at the seams of tiles: our rule, NMS by IoU, and SAHI's own merge.

    .venv/bin/python benchmarks/seams.py [SCENES_EACH]

Drawn photos of 6000 x 4000, 54 tiles of 800 px with 150 px overlap, and a detector that is
perfect in each tile: it sees every object of which a quarter is inside, as the box of what is
inside, with a score that says how much. What is left to err is the merge. SAHI is installed into
an environment of its own under build/peers.
"""

from __future__ import annotations

import datetime
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from peers import peer_python

from haversack.engine.cpus import usable_cpus
from haversack.engine.merge import (
    RULES,
    MergeOptions,
    Merger,
    Rule,
    TileBoxes,
    concatenate,
    tile_boxes,
)
from haversack.engine.tiles import Tile, TileGrid

GRID = TileGrid(width=6000, height=4000, tile=800, overlap=150)
BAR = 0.01
VISIBLE = 0.25
Boxes = NDArray[np.float32]


def herd(rng: np.random.Generator, *, herds: int, animals: int, gap: float, calves: float) -> Boxes:
    """Animals of 25 to 45 px around `herds` middles, `gap` of their length apart, some with a calf.

    A calf stands at its mother's side, so that their boxes overlap.
    """
    boxes: list[NDArray[np.float64]] = []
    for middle in rng.uniform((500, 500), (5500, 3500), (herds, 2)):
        heading = rng.uniform(0, np.pi)
        side = int(np.ceil(np.sqrt(animals)))
        for place in rng.permutation(side * side)[:animals]:
            length = rng.uniform(25, 45)
            step = np.array(divmod(int(place), side)) - side / 2 + rng.uniform(-0.25, 0.25, 2)
            at = middle + step * 35 * gap
            box = _animal(at, length, heading + rng.normal(0, 0.4))
            boxes.append(box)
            if rng.random() < calves:
                shift = rng.uniform(-0.35, 0.35, 2) * length
                boxes.append(_animal(at + shift, 0.5 * length, heading + rng.normal(0, 0.4)))
    found = np.array(boxes).reshape(-1, 4)
    inside = (found[:, :2] >= 0).all(axis=1) & (found[:, 2:] <= (GRID.width, GRID.height)).all(
        axis=1
    )
    return found[inside].astype(np.float32)


def large(rng: np.random.Generator) -> Boxes:
    """Objects of 150 to 260 px that stand clear of each other."""
    kept: list[NDArray[np.float64]] = []
    while len(kept) < 120:
        size = rng.uniform(150, 260, 2)
        low = rng.uniform((0, 0), np.array([GRID.width, GRID.height]) - size)
        box = np.concatenate([low, low + size])
        if all(_apart(box, other) for other in kept):
            kept.append(box)
    return np.array(kept, np.float32)


def _animal(at: NDArray[np.float64], length: float, heading: float) -> NDArray[np.float64]:
    across, down = abs(np.cos(heading)), abs(np.sin(heading))
    half = length / 2 * np.array([across + 0.45 * down, down + 0.45 * across])
    return np.concatenate([at - half, at + half])


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return bool((one[:2] > other[2:]).any() or (other[:2] > one[2:]).any())


SCENES = {
    "dense herd": lambda rng: herd(rng, herds=4, animals=400, gap=0.8, calves=0.15),
    "loose herd": lambda rng: herd(rng, herds=6, animals=100, gap=2.2, calves=0.1),
    "sparse": lambda rng: herd(rng, herds=150, animals=1, gap=1.0, calves=0.1),
    "large objects, 150-260 px": large,
}


def seen(tile: Tile, objects: Boxes, rng: np.random.Generator) -> TileBoxes:
    """What the perfect detector says of one tile."""
    left, top, right, bottom = tile.xyxy
    inside = np.clip(objects, [left, top, left, top], [right, bottom, right, bottom])
    share = np.prod(inside[:, 2:] - inside[:, :2], axis=1)
    share /= np.prod(objects[:, 2:] - objects[:, :2], axis=1)
    keep = share >= VISIBLE
    scores = (0.3 + 0.6 * share[keep] + rng.uniform(0, 0.1, keep.sum())).astype(np.float32)
    return tile_boxes(GRID, tile, inside[keep], scores, np.zeros(int(keep.sum()), np.int64))


def count(parts: list[TileBoxes], rule: Rule) -> tuple[int, float]:
    """Objects and seconds of one rule."""
    started = time.perf_counter()
    merger = Merger(GRID, MergeOptions(rule=rule))
    for part in parts:
        merger.feed(part)
    return len(merger.finish()), time.perf_counter() - started


def count_sahi(python: Path, parts: list[TileBoxes], folder: Path) -> tuple[int, float]:
    """The same by SAHI, under its own interpreter."""
    every = concatenate(parts)
    path = folder / "boxes.npz"
    np.savez(
        path, boxes=every.boxes, scores=every.scores, shape=np.array([GRID.height, GRID.width])
    )
    script = Path(__file__).with_name("sahi_merge.py")
    words = subprocess.check_output([python, script, path], text=True).split()
    return int(words[-2]), float(words[-1])


def main() -> None:
    """Print one line a scene and rule; exit code 1 where ours is outside the bar."""
    each = int(sys.argv[1]) if sys.argv[1:] else 3
    python = peer_python("sahi", ("sahi",))
    print(
        f"{datetime.date.today()}  {platform.machine()}, {usable_cpus()} CPUs, Python "
        f"{platform.python_version()}; {each} photos a scene; error of the count, mean seconds"
    )
    outside = False
    with tempfile.TemporaryDirectory() as folder:
        for name, draw in SCENES.items():
            sums: dict[str, list[float]] = {rule: [0, 0.0] for rule in (*RULES, "SAHI")}
            true = 0
            for seed in range(each):
                rng = np.random.default_rng(seed)
                objects = draw(rng)
                true += len(objects)
                parts = [seen(tile, objects, rng) for tile in GRID]
                told: dict[str, tuple[int, float]] = {rule: count(parts, rule) for rule in RULES}
                if python is not None:
                    told["SAHI"] = count_sahi(python, parts, Path(folder))
                for rule, (objects_left, seconds) in told.items():
                    sums[rule][0] += objects_left
                    sums[rule][1] += seconds / each
            print(f"{name}: {true:,} objects")
            for rule, (number, mean_seconds) in sums.items():
                if number:
                    error = number / true - 1
                    print(f"  {rule:5} {error:+8.2%}   {mean_seconds:7.3f} s a photo")
            outside |= abs(sums["seam"][0] / true - 1) > BAR
    print(f"bar: ours within {BAR:.0%} on all four: {'MISSED' if outside else 'held'}")
    sys.exit(int(outside))


if __name__ == "__main__":
    main()
