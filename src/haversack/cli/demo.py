"""`haversack demo`."""

from __future__ import annotations

import time
from pathlib import Path

import click
import numpy as np
from PIL import Image
from rich.table import Table

from haversack.cli.output import console
from haversack.engine.allocator import settle
from haversack.engine.detections import Detections
from haversack.engine.predictor import Predictor
from haversack.engine.results import ImageResult
from haversack.formats.overlay import save_annotated
from haversack.packfile.archive import open_pack
from haversack.packfile.repository import Repository
from haversack.samples.bundle import BUNDLED_PACKS
from haversack.samples.scenes import Scene, draw_scene
from haversack.samples.tally import Tally, tally
from haversack.units import format_seconds

PACK = "blobs"


@click.command("demo")
@click.option("--photos", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("haversack-demo"),
    show_default=True,
    help="Folder for the photos and their annotated copies.",
)
def command(photos: int, seed: int, out: Path) -> None:
    """Draw aerial photos, find the animals in them, and count found against true.

    Works offline, in seconds. The detector is `blobs`, a hand-made graph of 50 kB that comes with
    Haversack: a sample of what a pack is, and no claim about accuracy.
    """
    settle()
    started = time.perf_counter()
    screen = console()
    predictor = Predictor(open_pack(Repository(BUNDLED_PACKS).find(PACK)))
    predictor.warm()
    out.mkdir(parents=True, exist_ok=True)
    table = Table("photo", box=None)
    for column in ("animals", "found", "other", "seconds"):
        table.add_column(column, justify="right")
    tallies = []
    for number in range(photos):
        scene = draw_scene(seed + number)
        photo = out / f"aerial_{seed + number:03d}.png"
        Image.fromarray(scene.pixels).save(photo)
        result = _predict(predictor, photo)
        save_annotated(scene.pixels, result, photo.with_name(f"{photo.stem}_found.jpg"))
        tallies.append(_tally(scene, result))
        seconds = sum(result.timing.values())
        table.add_row(photo.name, *_counts(tallies[-1]), f"{seconds:.2f}")
    if photos > 1:
        table.add_row("all", *_counts(_sum(tallies)), "")
    screen.print(table)
    _explain(tallies, out, time.perf_counter() - started)


def _predict(predictor: Predictor, photo: Path) -> ImageResult:
    threshold = predictor.manifest.defaults.score_threshold
    return predictor.predict(photo.read_bytes(), str(photo)).above(threshold)


def _tally(scene: Scene, result: ImageResult) -> Tally:
    outcome = result.outcome
    found = outcome.boxes if isinstance(outcome, Detections) else np.zeros((0, 4), np.float32)
    return tally(scene.boxes, found)


def _sum(tallies: list[Tally]) -> Tally:
    return Tally(
        true=sum(one.true for one in tallies),
        found=sum(one.found for one in tallies),
        other=sum(one.other for one in tallies),
    )


def _counts(count: Tally) -> tuple[str, str, str]:
    return str(count.true), str(count.found), str(count.other)


def _explain(tallies: list[Tally], out: Path, seconds: float) -> None:
    count = _sum(tallies)
    screen = console()
    things = "thing" if count.other == 1 else "things"
    screen.print(
        f"\n{count.found} of {count.true} animals found, and {count.other} other {things} taken "
        f"for one, by {PACK} in {format_seconds(seconds)}."
    )
    first = min(out.glob("*_found.jpg"))
    screen.print(f"Look at {first} and its neighbours in {out}/.")
    screen.print(f"Next:   haversack predict {PACK} {first.parent}/*.png --json")
    screen.print("Your own model:   haversack pack import MODEL.onnx --help")
