"""`haversack pack import`."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import click

from haversack.cli.output import console, notes
from haversack.cli.proof import proof_table
from haversack.errors import ImportRefusedError
from haversack.pack.build import Built, PackTarget, build
from haversack.pack.draft import ImportRequest
from haversack.pack.importers.onnx import import_onnx
from haversack.pack.labels import read_labels
from haversack.pack.recipe import load_recipe, preset_names
from haversack.packfile.repository import check_name


def _numbers(ctx: click.Context, param: click.Parameter, value: str | None) -> list[float] | None:
    """ "0.485,0.456,0.406" or one number."""
    if value is None:
        return None
    try:
        return [float(part) for part in value.split(",")]
    except ValueError as fault:
        raise click.BadParameter(f"numbers with commas between them; received {value!r}") from fault


_RECIPE_OPTIONS = [
    click.option("--task", help="Refuse unless the pack gets this task."),
    click.option(
        "--head",
        help="How the outputs are read: yolox, fastestdet, boxes, softmax, "
        "probabilities, argmax, or none.",
    ),
    click.option("--size", help="WIDTHxHEIGHT of the input, for graphs that take any."),
    click.option("--channels", help="Order the network wants: RGB, BGR or GRAY."),
    click.option("--scale", type=float, help="Levels 0-255 times this."),
    click.option("--mean", callback=_numbers, help="Then less this: a number a channel."),
    click.option("--std", callback=_numbers, help="Then divided by this: a number a channel."),
    click.option("--geometry", help="letterbox, stretch, crop, or none for tensors."),
    click.option("--anchor", help="Where a letterboxed photo lies: top-left or centre."),
    click.option("--pad", type=int, help="Level of the letterbox's padding, 0-255."),
    click.option("--crop", type=float, help="Share of the shorter side that crop keeps."),
    click.option("--kernel", help="Of the resize: linear, cubic or nearest."),
    click.option("--antialias/--no-antialias", default=None, help="Widen the kernel to shrink."),
    click.option("--rounding", help="Of the resized sides: floor or round."),
    click.option("--box-format", help="Of decoded boxes: xyxy, xywh, cxcywh or yxyx."),
    click.option("--box-units", help="Of decoded boxes: pixels or fraction."),
    click.option("--first-label", type=int, help="Class id of the first label; 1 if 0 is none."),
    click.option(
        "--own-nms/--no-own-nms", default=None, help="Whether the model ends in its own NMS."
    ),
    click.option("--score-floor", type=float, help="Lower scores never leave the graph."),
    click.option("--nms-iou", type=float, help="Doubles over this IoU go; 1 keeps them all."),
    click.option("--candidates", type=int, help="Boxes kept before NMS."),
    click.option("--max-detections", type=int, help="Boxes kept after it."),
    click.option("--score-threshold", type=float, help="What a person is shown at first."),
    click.option("--description", help="One line on what the pack finds."),
]


def _recipe_options(function: Any) -> Any:
    for option in reversed(_RECIPE_OPTIONS):
        function = option(function)
    return function


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
@_recipe_options
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
    _check_source(source)
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
        draft = import_onnx(request)
        now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        built = build(draft, PackTarget(out=out, version=version), now=now)
    _tell(built, batches=draft.batches, drawn=not samples)


def _check_source(source: Path) -> None:
    if not source.is_file():
        raise ImportRefusedError(
            "source-missing", f"there is no file {source}", hint="Give the path of an .onnx file."
        )
    if source.suffix != ".onnx":
        raise ImportRefusedError(
            "source-unknown",
            f"an .onnx file was expected, received {source}",
            hint="Export the model to ONNX first, for example with torch.onnx.export; weights "
            "alone (a state_dict) need the code of their network for that.",
        )


def _tell(built: Built, *, batches: bool, drawn: bool) -> None:
    manifest, parity = built.manifest, built.manifest.provenance.parity
    out = console()
    out.print(proof_table(built.checks, parity.tolerance if parity else 0.0))
    at_once = "any number of photos at once" if batches else "one photo at a time"
    taken = at_once if manifest.input else "tensors"
    out.print(f"{manifest.name}@{manifest.version} ({manifest.task}, takes {taken}): {built.path}")
    if manifest.task == "detect" and not any(check.expected for check in built.checks):
        notes().print(
            "Nothing was found on any sample, by either side: this proves little. "
            + (
                "Give --samples with photos of the model's objects."
                if drawn
                else "If these photos do show the model's objects, the preset or head is wrong."
            ),
            style="yellow",
        )
    what = "PHOTO" if manifest.input else "INPUTS.npz"
    notes().print(f"Try it: haversack predict {built.path} {what}")
