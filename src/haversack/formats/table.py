"""Results as the rows of one flat table, for spreadsheets and data frames."""

from __future__ import annotations

from collections.abc import Iterator

from haversack.engine.results import PhotoResult
from haversack.engine.tasks.table import TASKS
from haversack.engine.tasks.task import Cell

_FIRST = ("image", "width", "height", "status")
_LAST = ("error_code", "error")


def _columns() -> tuple[str, ...]:
    """Those of every task, each once."""
    own = (name for task in TASKS.values() for name in task.columns)
    return (*_FIRST, *dict.fromkeys(own), *_LAST)


COLUMNS = _columns()


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
    found_rows = [] if result.outcome is None else list(result.outcome.rows(result.pack.labels))
    for found in found_rows or [{}]:
        cells = start | found
        yield [cells.get(column, "") for column in COLUMNS]
