"""What an importer is asked for, and what it gives to be proved and published."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from haversack.engine.session import Array
from haversack.pack.importers.importer import Origin
from haversack.pack.recipe import Recipe
from haversack.packfile.manifest import InputGeometry, Suppression, Task


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """One import.

    Attributes:
        source: the path of a model, or a model in memory.
        name: of the pack.
        recipe: how to read the model; `preset` and `options` say where it came from.
        preset: as given.
        options: what was overridden, as given, for the manifest.
        labels: class names in the model's order; empty where none were given.
        samples: photos, or folders of them, for parity; empty for drawn ones.
        licence: of the model, for the manifest.
        accuracy: what its maker measured, in their words, for the manifest.
    """

    source: object
    name: str
    recipe: Recipe
    preset: str = ""
    options: dict[str, str | int | float | bool | list[str | int | float]]
    labels: tuple[str, ...] = ()
    samples: tuple[Path, ...] = ()
    licence: str = ""
    accuracy: str = ""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A pack that has not proved itself yet.

    Attributes:
        request: what was asked, with what the model's own files tell.
        task: the pack's.
        origin: where the network came from.
        files: everything but pack.toml, by name in the pack.
        input, graph: for the manifest.
        batches: whether the graph takes any number of photos at once.
        same_pixels: by sample, what the original says of the very pixels that fit.onnx gives.
    """

    request: ImportRequest
    task: Task
    origin: Origin
    files: dict[str, bytes]
    input: InputGeometry | None = None
    graph: Suppression | None = None
    batches: bool = False
    same_pixels: dict[str, dict[str, Array]] = field(default_factory=dict)
