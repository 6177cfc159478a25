"""Results as the rows of one flat table, for spreadsheets and data frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from haversack.engine.results import PhotoResult

Cell: TypeAlias = str | int | float

COLUMNS = (
    *("image", "width", "height", "status", "label", "class_id", "score"),
    *("x1", "y1", "x2", "y2", "pixels", "error_code", "error"),
)


def header() -> list[str]:
    """The names of the columns, the same for every task."""
    return list(COLUMNS)


def rows(result: PhotoResult) -> Iterator[list[Cell]]:
    """One row for each detection, class or legend entry of a photo, in the record's order.

    A photo without any gives one row with these cells empty; a failed one gives its error. Boxes
    are pixels of the upright photo.
    """
    start: dict[str, Cell] = {
        "image": result.image,
        "width": result.width,
        "height": result.height,
        "status": result.status,
    }
    if result.error is not None:
        start |= {"error_code": result.error.code, "error": result.error.message}
    for found in list(_entries(result)) or [{}]:
        cells = start | found
        yield [cells.get(column, "") for column in COLUMNS]


def _entries(result: PhotoResult) -> Iterator[dict[str, Cell]]:
    """What the canonical record lists, so that the table can never differ from it."""
    record = result.to_dict()
    for one in record.get("detections", ()):
        named = {name: one[name] for name in ("label", "class_id", "score")}
        yield named | dict(zip(("x1", "y1", "x2", "y2"), one["box"], strict=True))
    yield from record.get("classes", ())
    yield from record.get("legend", ())
