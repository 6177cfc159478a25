"""`haversack pack import`."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import click

from haversack.cli.output import console, notes
from haversack.cli.proof import proof_table
from haversack.cli.recipe_options import recipe_options
from haversack.pack.build import Built, PackTarget, build
from haversack.pack.draft import ImportRequest
from haversack.pack.importing import import_source
from haversack.pack.labels import read_labels
from haversack.pack.recipe import load_recipe, preset_names
from haversack.pack.sources.table import find_source
from haversack.packfile.repository import check_name
from haversack.packfile.tasks.table import TASKS


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Of the pack: lower case, digits, . _ and -.")
@click.option("--preset", default="", help=f"One of {', '.join(preset_names())}, or a .toml file.")
@click.option("--labels", type=click.Path(path_type=Path), help="Class names, one a line.")
@click.option(
    "--samples",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Photos, or folders of them, that prove the pack and stay in it (8 at most, 640 px).",
)
@click.option("--licence", default="", help="Of the model, for the manifest.")
@click.option(
    "--accuracy", default="", help="What was measured, such as 'AP 25.8 on COCO val2017'."
)
@click.option("--as", "version", help="Version; a whole number. Otherwise the highest + 1.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("packs"),
    show_default=True,
    help="Repository, or a file that ends in .pack.",
)
@recipe_options
def command(
    source: Path,
    name: str,
    preset: str,
    labels: Path | None,
    samples: tuple[Path, ...],
    licence: str,
    accuracy: str,
    version: str | None,
    out: Path,
    **overrides: Any,
) -> None:
    """Make a pack from SOURCE, an ONNX file, and prove it.

    A preset says how a family of models is fed and read; every value can be overridden. The pack
    is run beside the original model, with another preprocessing, on sample photos: outside the
    tolerance nothing is written.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    check_name(name, version)
    find_source(source)
    request = ImportRequest(
        source=source,
        name=name,
        recipe=load_recipe(preset, given),
        preset=preset,
        options=given,
        labels=read_labels(labels) if labels else (),
        samples=samples,
        licence=licence,
        accuracy=accuracy,
    )
    with notes().status(f"Reading and proving {source.name}..."):
        draft = import_source(request)
        now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        built = build(draft, PackTarget(out=out, version=version), now=now)
    _tell(built, batches=draft.batches, drawn=not samples)


def _tell(built: Built, *, batches: bool, drawn: bool) -> None:
    manifest, parity = built.manifest, built.manifest.provenance.parity
    out = console()
    out.print(proof_table(built.checks, parity.tolerance if parity else 0.0))
    at_once = "any number of photos at once" if batches else "one photo at a time"
    taken = at_once if manifest.takes_photos else "tensors"
    out.print(f"{manifest.name}@{manifest.version} ({manifest.task}, takes {taken}): {built.path}")
    if TASKS[manifest.task].finds_objects and not any(check.expected for check in built.checks):
        notes().print(
            "Nothing was found on any sample, by either side: this proves little. "
            + (
                "Give --samples with photos of the model's objects."
                if drawn
                else "If these photos do show the model's objects, the preset or head is wrong."
            ),
            style="yellow",
        )
    what = "PHOTO" if manifest.takes_photos else "INPUTS.npz"
    notes().print(f"Try it: haversack predict {built.path} {what}")
