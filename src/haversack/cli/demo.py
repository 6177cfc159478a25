"""`haversack demo`."""

from __future__ import annotations

import socket
import sys
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from PIL import Image
from rich.table import Table

from haversack.app import listening
from haversack.app.options import AppOptions
from haversack.asgi.access import LOOPBACK, AccessRules
from haversack.asgi.listening import addresses, bind
from haversack.cli.output import console
from haversack.engine.allocator import settle
from haversack.engine.predictor import Predictor
from haversack.engine.results import PhotoResult
from haversack.errors import HaversackError
from haversack.formats.overlay import save_annotated
from haversack.packfile.archive import open_pack
from haversack.packfile.repository import Repository
from haversack.samples.animal_count import AnimalCount, tally
from haversack.samples.bundle import BUNDLED_PACKS
from haversack.samples.scenes import Scene, draw_scene
from haversack.serve.models.model import ServedModel
from haversack.settings import from_environment
from haversack.units import format_seconds

PACK = "blobs"
HOST, PORT = "127.0.0.1", 8000


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
@click.option(
    "--page/--no-page",
    default=None,
    help="Whether to end on the page with the photos. [default: where a person is watching]",
)
def command(photos: int, seed: int, out: Path, page: bool | None) -> None:
    """Draw aerial photos, find the animals in them, and show them on the page.

    Works offline, in seconds. The detector is `blobs`, a hand-made graph of 50 kB that comes with
    Haversack: a sample of what a pack is, and no claim about accuracy.
    """
    settle()
    started = time.perf_counter()
    screen = console()
    predictor = Predictor(open_pack(Repository(BUNDLED_PACKS).find(PACK)))
    predictor.warm()
    found = out / "found"
    found.mkdir(parents=True, exist_ok=True)
    table = Table("photo", box=None)
    for column in ("animals", "found", "other", "seconds"):
        table.add_column(column, justify="right")
    tallies = []
    for number in range(photos):
        scene = draw_scene(seed + number)
        photo = out / f"aerial_{seed + number:03d}.png"
        Image.fromarray(scene.pixels).save(photo)
        result = _predict(predictor, photo)
        save_annotated(scene.pixels, result, found / f"{photo.stem}.jpg")
        tallies.append(_tally(scene, result))
        seconds = sum(result.timing.values())
        table.add_row(photo.name, *_counts(tallies[-1]), f"{seconds:.2f}")
    if photos > 1:
        table.add_row("all", *_counts(_sum(tallies)), "")
    screen.print(table)
    _explain(tallies, out, time.perf_counter() - started)
    if page or (page is None and sys.stdout.isatty()):
        _serve(out)
    else:
        screen.print(f"The page:   haversack serve {PACK} --samples {out}")


def _predict(predictor: Predictor, photo: Path) -> PhotoResult:
    threshold = predictor.manifest.defaults.score_threshold
    return predictor.predict(photo.read_bytes(), str(photo)).above(threshold)


def _tally(scene: Scene, result: PhotoResult) -> AnimalCount:
    found = np.array([one.box for one in result.detections], np.float32).reshape(-1, 4)
    return tally(scene.boxes, found)


def _sum(tallies: list[AnimalCount]) -> AnimalCount:
    return AnimalCount(
        true=sum(one.true for one in tallies),
        found=sum(one.found for one in tallies),
        other=sum(one.other for one in tallies),
    )


def _counts(count: AnimalCount) -> tuple[str, str, str]:
    return str(count.true), str(count.found), str(count.other)


def _explain(tallies: list[AnimalCount], out: Path, seconds: float) -> None:
    count = _sum(tallies)
    screen = console()
    things = "thing" if count.other == 1 else "things"
    screen.print(
        f"\n{count.found} of {count.true} animals found, and {count.other} other {things} taken "
        f"for one, by {PACK} in {format_seconds(seconds)}."
    )
    first = min((out / "found").glob("*.jpg"))
    screen.print(f"Look at {first} and its neighbours.")
    screen.print(f"Next:   haversack predict {PACK} {out}/*.png --json")
    screen.print("Your own model:   haversack pack import MODEL.onnx --help")


def _serve(out: Path) -> None:
    """The page with the demo's photos, until Ctrl-C."""
    settings = from_environment()
    options = AppOptions(
        state=settings.state_folder,
        packs=(Repository(BUNDLED_PACKS).find(PACK),),
        rules=AccessRules(hosts=LOOPBACK),
        samples=out,
    )
    listener = _listener()
    (url,) = addresses(HOST, listener)

    def ready(models: Sequence[ServedModel]) -> None:
        click.echo(f"\nThe page with these photos:   {url}")
        click.echo("Ctrl-C ends it.")
        if settings.has_screen:
            webbrowser.open(url)

    listening.run(options, listener, ready)


def _listener() -> socket.socket:
    """The usual port, or any where that is taken: a demo is not to fail for it."""
    try:
        return bind(HOST, PORT)
    except HaversackError:
        return bind(HOST, 0)
