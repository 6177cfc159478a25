"""Class names from a file: one a line, or a JSON list."""

from __future__ import annotations

from pathlib import Path

import msgspec

from haversack.errors import ImportRefusedError
from haversack.permissions import not_permitted


def read_labels(path: Path) -> tuple[str, ...]:
    """The names in their order; the line's number is the class id, from 0.

    Raises:
        ImportRefusedError: `labels-unreadable` where the file is missing, empty, not text, or has
            an empty line between names (which would move every class after it).
        HaversackError: `path-not-permitted`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        names = _from_json(text) if path.suffix == ".json" else _from_lines(text)
    except PermissionError as fault:
        raise not_permitted(path) from fault
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as fault:
        raise _unreadable(path, str(fault)) from fault
    if not names:
        raise _unreadable(path, "it holds no names")
    blank = next((i for i, name in enumerate(names) if not name), None)
    if blank is not None:
        raise _unreadable(path, f"line {blank + 1} is empty, which would move every class after it")
    return names


def _from_json(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in msgspec.json.decode(text, type=list[str]))


def _from_lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.rstrip().splitlines())


def _unreadable(path: Path, reason: str) -> ImportRefusedError:
    return ImportRefusedError(
        "labels-unreadable",
        f"{path} cannot be read as class names: {reason}",
        hint="Write one name a line, in the order of the model's classes, or a JSON list.",
    )
