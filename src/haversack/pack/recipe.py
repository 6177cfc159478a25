"""A recipe: how a model is fed, read and suppressed, by a preset and what the caller overrides."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import msgspec

from haversack.errors import ImportRefusedError
from haversack.pack.decoding import Reading
from haversack.pack.feeding import Feeding
from haversack.packfile.explained import explained
from haversack.packfile.faults import convert_table
from haversack.packfile.manifest import Defaults, Suppression, Task
from haversack.permissions import not_permitted


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """Every value an import can be told. Presets and options name the fields without their table.

    Attributes:
        description: one line for the manifest.
        head: how the outputs are read; "" where nobody said.
        task: what is asked of the head, where someone insists; the head decides otherwise.
        size: "WIDTHxHEIGHT", for graphs whose sides vary.
        feeding, reading, suppression, defaults: see there.
        stated: what preset and caller said, without the defaults.
    """

    description: Annotated[str, explained("One line on what the pack finds.")] = ""
    head: Annotated[str, explained("How the outputs are read: {heads}, or none.")] = ""
    task: Annotated[Task | None, explained("Refuse unless the pack gets this task.")] = None
    size: Annotated[str, explained("WIDTHxHEIGHT of the input, for graphs that take any.")] = ""
    feeding: Feeding = Feeding()
    reading: Reading = Reading()
    suppression: Suppression = Suppression()
    defaults: Defaults = Defaults()
    stated: Mapping[str, Any] = {}

    def over(self, told: Mapping[str, Any]) -> Recipe:
        """This recipe, and where it states nothing what the model's own files tell.

        Raises:
            ImportRefusedError: `recipe-invalid`.
        """
        return _checked({**told, **self.stated}) if told else self


_TABLES: dict[str, type[msgspec.Struct]] = {
    "feeding": Feeding,
    "reading": Reading,
    "suppression": Suppression,
    "defaults": Defaults,
}


def recipe_fields() -> dict[str, msgspec.structs.FieldInfo]:
    """Every value of a recipe by its name in a preset: type, limits, default and explanation."""
    own = [f for f in msgspec.structs.fields(Recipe) if f.name not in (*_TABLES, "stated")]
    inner = [f for table in _TABLES.values() for f in msgspec.structs.fields(table)]
    return {field.name: field for field in (*own, *inner)}


_FLAT = msgspec.defstruct(
    "Recipe", [(name, field.type, field.default) for name, field in recipe_fields().items()]
)


def preset_names() -> list[str]:
    """The presets that come with Haversack, sorted."""
    folder = resources.files("haversack.pack") / "presets"
    return sorted(
        item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")
    )


def load_recipe(preset: str, overrides: Mapping[str, Any]) -> Recipe:
    """The preset's values under the caller's.

    Args:
        preset: a name, the path of a TOML file of one's own, or "" for none.
        overrides: values by the names of `recipe_fields`; None stands for "not given".

    Raises:
        ImportRefusedError: `preset-unknown`, `recipe-invalid`.
    """
    values = _preset_values(preset) if preset else {}
    values |= {name: value for name, value in overrides.items() if value is not None}
    return _checked(values)


def _checked(values: dict[str, Any]) -> Recipe:
    faults: list[str] = []
    good = convert_table(_FLAT, values, "", faults)
    if faults:
        raise _invalid(f"{len(faults)} fault(s)", tuple(faults))
    tables: dict[str, Any] = {name: _taken(table, good) for name, table in _TABLES.items()}
    recipe = Recipe(**good, **tables, stated=values)
    feeding = recipe.feeding
    if feeding.crop != 1 and feeding.geometry != "crop":
        raise _invalid(f"crop is {feeding.crop:g}; geometry {feeding.geometry} does not crop")
    channels = 1 if feeding.channels == "GRAY" else 3
    for name in ("mean", "std"):
        given = getattr(feeding, name)
        if len(given) not in (0, channels):
            raise _invalid(f"{name} has {len(given)} numbers; {feeding.channels} needs {channels}")
    return recipe


def _taken(table: type[msgspec.Struct], values: dict[str, Any]) -> msgspec.Struct:
    """`table` made of its fields in `values`, which lose them."""
    return table(**{name: values.pop(name) for name in table.__struct_fields__})


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
