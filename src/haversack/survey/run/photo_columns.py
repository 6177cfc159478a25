"""The columns of a run's photos: one line each, from a result to its row and back.

A new column is a line here, and a field of `PhotoResult` or of what it holds. Runs that were begun
before it get it when they are next written to, and read as NULL until then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from haversack.engine.results import GeoTag, PackIdentity, PhotoResult, TileCounts
from haversack.errors import HaversackError


@dataclass(frozen=True, kw_only=True)
class PhotoColumn:
    """One column of the table `photo`.

    Attributes:
        name: in the table.
        field: of `PhotoResult`, or of one of its fields behind a dot.
        digits: that a number is rounded to; None for none.
        added: its type, where schema.sql of format 1 has not got it yet.
    """

    name: str
    field: str
    digits: int | None = None
    added: str = ""


COLUMNS = (
    PhotoColumn(name="width", field="width"),
    PhotoColumn(name="height", field="height"),
    PhotoColumn(name="valid_rows", field="valid_rows"),
    PhotoColumn(name="tiles", field="tiles.total"),
    PhotoColumn(name="tiles_skipped", field="tiles.skipped"),
    PhotoColumn(name="tiles_missing", field="tiles.missing"),
    PhotoColumn(name="tiles_quartered", field="tiles.quartered"),
    PhotoColumn(name="tiles_truncated", field="tiles.truncated"),
    PhotoColumn(name="seconds_decode", field="timing.decode_seconds", digits=4),
    PhotoColumn(name="seconds_model", field="timing.model_seconds", digits=4),
    PhotoColumn(name="taken_at", field="geotag.taken_at"),
    PhotoColumn(name="lon", field="geotag.lon"),
    PhotoColumn(name="lat", field="geotag.lat"),
    PhotoColumn(name="camera", field="geotag.camera"),
    PhotoColumn(name="candidates", field="tiles.candidates", added="INTEGER"),
)
_FIRST = ("id", "path", "status", "error_code", "error")


def missing(present: Iterable[str]) -> list[PhotoColumn]:
    """Those that a database with these columns has not got."""
    here = set(present)
    return [column for column in COLUMNS if column.name not in here]


def write_statement() -> str:
    """An UPDATE of one finished photo; its parameters are `written`."""
    values = ", ".join(f"{column.name} = :{column.name}" for column in COLUMNS)
    return (
        "UPDATE photo SET status = :status, error_code = :error_code, error = :error, "
        f"attempts = attempts + 1, {values} WHERE id = :id"
    )


def written(result: PhotoResult, shown_error: str) -> dict[str, object]:
    """The parameters of `write_statement`."""
    row: dict[str, object] = {
        "id": result.id,
        "status": result.status,
        "error_code": result.error_code,
        "error": shown_error,
    }
    for column in COLUMNS:
        value = _field(result, column.field)
        row[column.name] = value if column.digits is None else round(value, column.digits)
    return row


def read_statement(present: Iterable[str]) -> str:
    """A SELECT of every photo by path, from a database with these columns."""
    here = set(present)
    names = [c.name if c.name in here else f"NULL AS {c.name}" for c in COLUMNS]
    return f"SELECT {', '.join((*_FIRST, *names))} FROM photo ORDER BY path"


def result_of(row: Iterable[Any], pack: PackIdentity) -> PhotoResult:
    """The photo of a row of `read_statement`, without what was found in it."""
    values = list(row)
    number, path, status, code, message = values[: len(_FIRST)]
    groups: dict[str, dict[str, Any]] = {"": {}, "tiles": {}, "timing": {}, "geotag": {}}
    for column, value in zip(COLUMNS, values[len(_FIRST) :], strict=True):
        group, _, name = column.field.rpartition(".")
        groups[group][name] = value
    return PhotoResult(
        id=number,
        image=path,
        pack=pack,
        status=status,
        error=HaversackError(code, message) if code else None,
        timing=groups["timing"],
        tiles=TileCounts(**groups["tiles"]),
        geotag=GeoTag(**groups["geotag"]),
        **groups[""],
    )


def _field(result: PhotoResult, path: str) -> Any:
    value: Any = result
    for name in path.split("."):
        value = value[name] if isinstance(value, Mapping) else getattr(value, name)
    return value
