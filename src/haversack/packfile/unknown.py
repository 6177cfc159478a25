"""What to say of a path that is no pack: the likely mistake, with the next step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from haversack.errors import Kind, PackError
from haversack.packfile.rules import MANIFEST_NAME
from haversack.permissions import next_step, sentence

_MODELS = (".onnx", ".h5", ".keras", ".pb", ".tflite", ".pt", ".pth", ".joblib", ".pkl")


def not_found(path: Path) -> PackError:
    """Nothing is there: `pack-not-found`."""
    return PackError(
        "pack-not-found",
        f"there is no pack at {path}: nothing is there",
        kind=Kind.NOT_FOUND,
        hint="See which packs there are with: haversack pack list",
    )


def not_a_pack(path: Path) -> PackError:
    """Something else is there: `not-a-pack`."""
    if path.is_dir():
        what, hint = f"a folder without {MANIFEST_NAME}", _folder_hint(path)
    elif path.suffix.lower() in _MODELS:
        what = "a model, not yet a pack"
        hint = f"Make a pack of it: haversack pack import {path} --name NAME"
    else:
        what = f"a file that is no archive with a {MANIFEST_NAME} at its top"
        hint = "A pack is a folder or a .pack file; haversack pack import makes one of a model."
    return PackError("not-a-pack", f"{path} is {what}", hint=hint)


def not_readable(path: Path) -> PackError:
    """It is there, and this user may not see it: `path-not-permitted`."""
    return PackError("path-not-permitted", sentence(path), hint=next_step(path))


def closest(name: str, known: Iterable[str]) -> str:
    """A hint with the known names most like `name`, or how to make a pack where there are none."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    if names:
        return "Give one of the packs there are, or a path."
    return "Make a pack of a model: haversack pack import MODEL --name NAME"


def _folder_hint(path: Path) -> str:
    inside = sorted(child.parent.name for child in path.glob(f"*/{MANIFEST_NAME}"))
    if inside:
        return f"It holds packs: give one of them, for example {path / inside[-1]}"
    models = sorted(path.glob("*.onnx"))
    if models:
        return f"Make a pack of the model in it: haversack pack import {models[0]} --name NAME"
    return "A pack is a folder or a .pack file; haversack pack import makes one of a model."
