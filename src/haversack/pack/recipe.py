"""A recipe: how a model is to be read, from a preset and what the caller overrides."""

from __future__ import annotations

import difflib
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from haversack.errors import ImportRefusedError
from haversack.pack.graph.heads.head import BoxFormat, BoxUnits
from haversack.packfile.faults import convert_table
from haversack.packfile.manifest import Count, Level, Share, Task
from haversack.permissions import not_permitted

Positive = Annotated[float, msgspec.Meta(gt=0.0)]


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every value an import can be told; the fields are the command line's options.

    Attributes:
        head: how the outputs are read; "" where nobody said.
        task: what is asked of the head, where someone insists; the head decides otherwise.
        size: "WIDTHxHEIGHT", for graphs whose sides vary.
        channels, scale, mean, std: (level * scale - mean) / std in this order of channels.
        geometry ... crop: see `InputGeometry`; geometry "none" is for graphs that take tensors.
        box_format, box_units, first_label, own_nms: see `Decoding`.
        score_floor ... max_detections: see `GraphSettings`.
        score_threshold: see `Defaults`.
    """

    description: str = ""
    head: str = ""
    task: Task | None = None
    size: str = ""
    channels: Literal["RGB", "BGR", "GRAY"] = "RGB"
    scale: Positive = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[Positive, ...] = ()
    geometry: Literal["letterbox", "stretch", "crop", "none"] = "stretch"
    anchor: Literal["top-left", "centre"] = "top-left"
    pad: Level = 114
    kernel: Literal["linear", "cubic", "nearest"] = "linear"
    antialias: bool = False
    rounding: Literal["floor", "round"] = "floor"
    crop: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 1.0
    box_format: BoxFormat = "xyxy"
    box_units: BoxUnits = "pixels"
    first_label: Annotated[int, msgspec.Meta(ge=0)] = 0
    own_nms: bool | None = None
    score_floor: Share = 0.05
    nms_iou: Share = 0.5
    candidates: Count = 600
    max_detections: Count = 300
    score_threshold: Share = 0.4


def preset_names() -> list[str]:
    """The presets that come with Haversack, sorted."""
    folder = resources.files("haversack.pack") / "presets"
    return sorted(
        item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")
    )


def load_recipe(preset: str, overrides: dict[str, Any]) -> Recipe:
    """The preset's values under the caller's.

    Args:
        preset: a name, the path of a TOML file of one's own, or "" for none.
        overrides: fields of `Recipe` that were given; None stands for "not given".

    Raises:
        ImportRefusedError: `preset-unknown`, `recipe-invalid`.
    """
    values = _preset_values(preset) if preset else {}
    values |= {name: value for name, value in overrides.items() if value is not None}
    faults: list[str] = []
    good = convert_table(Recipe, values, "", faults)
    if faults:
        raise _invalid(f"{len(faults)} fault(s)", tuple(faults))
    recipe = Recipe(**good)
    if recipe.crop != 1 and recipe.geometry != "crop":
        raise _invalid(f"crop is {recipe.crop:g}; geometry {recipe.geometry} does not crop")
    channels = 1 if recipe.channels == "GRAY" else 3
    for name in ("mean", "std"):
        given = getattr(recipe, name)
        if len(given) not in (0, channels):
            raise _invalid(f"{name} has {len(given)} numbers; {recipe.channels} needs {channels}")
    return recipe


def _preset_values(preset: str) -> dict[str, Any]:
    path = Path(preset)
    if path.suffix == ".toml" and path.is_file():
        text = _own_text(path)
    elif preset in preset_names():
        text = (resources.files("haversack.pack") / "presets" / f"{preset}.toml").read_text("utf-8")
    else:
        near = difflib.get_close_matches(preset, preset_names(), n=1)
        raise ImportRefusedError(
            "preset-unknown",
            f"there is no preset {preset!r}; there are {', '.join(preset_names())}",
            hint=f"Did you mean {near[0]}?" if near else "A path to a .toml file works too.",
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise _invalid(f"{preset} is not TOML: {fault}") from fault


def _own_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except PermissionError as fault:
        raise not_permitted(path) from fault
    except (OSError, UnicodeDecodeError) as fault:
        raise _invalid(f"{path} cannot be read as text: {fault}") from fault


def _invalid(reason: str, faults: tuple[str, ...] = ()) -> ImportRefusedError:
    return ImportRefusedError(
        "recipe-invalid",
        f"the preset and options do not make a recipe: {reason}",
        hint="`haversack pack import --help` lists every option and what it takes.",
        details=faults,
    )
