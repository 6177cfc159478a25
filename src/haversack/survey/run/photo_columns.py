"""The columns of a run's photos: one line each, from a result to its row and back.

A new column is a line here, and a field of `PhotoResult` or of what it holds. Runs that were begun
before it get it when they are next written to, and read as NULL until then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeAlias

from haversack.engine.results import GeoTag, PackIdentity, PhotoResult, TileCounts
from haversack.engine.tasks.task import TaskOutcome
from haversack.errors import HaversackError
from haversack.formats.tally import LOOKED_AT


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
    """Those that a database with these columns has not got.

    Raises:
        HaversackError: `run-damaged` for a column that every run has.
    """
    here = set(present)
    found = [column for column in COLUMNS if column.name not in here]
    lost = [column.name for column in found if not column.added]
    if lost:
        raise HaversackError(
            "run-damaged",
            f"the run's table photo has no column {lost[0]}",
            hint="Give another folder with --out, or put back a copy of the file.",
        )
    return found


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
    """A SELECT of every photo by path, from a database with these columns. Raises as `missing`."""
    lacking = {column.name for column in missing(present)}
    names = [f"NULL AS {c.name}" if c.name in lacking else c.name for c in COLUMNS]
    return f"SELECT {', '.join((*_FIRST, *names))} FROM photo ORDER BY path"


def _fields_of(group: str) -> tuple[tuple[str, ...], itemgetter[Any]]:
    """Of one part of a result: its fields, and where they stand in a row."""
    parts = [column.field.rpartition(".")[::2] for column in COLUMNS]
    places = [place for place, (of, _) in enumerate(parts, len(_FIRST)) if of == group]
    return tuple(name for of, name in parts if of == group), itemgetter(*places)


_OWN, _TILES = _fields_of(""), _fields_of("tiles")
_TIMING, _GEOTAG = _fields_of("timing"), _fields_of("geotag")

Found: TypeAlias = Callable[[int, TileCounts], TaskOutcome | None]
"""What was found in the photo of that id."""


def result_of(row: tuple[Any, ...], pack: PackIdentity, found: Found) -> PhotoResult:
    """The photo of a row of `read_statement`.

    Args:
        found: asked for photos that were looked at.
    """
    number, path, status, code, message = row[: len(_FIRST)]
    tiles = TileCounts(**_taken(_TILES, row))
    return PhotoResult(
        id=number,
        image=path,
        pack=pack,
        status=status,
        outcome=found(number, tiles) if status in LOOKED_AT else None,
        error=HaversackError(code, message) if code or message else None,
        timing=_taken(_TIMING, row),
        tiles=tiles,
        geotag=GeoTag(**_taken(_GEOTAG, row)),
        **_taken(_OWN, row),
    )


def _taken(part: tuple[tuple[str, ...], itemgetter[Any]], row: tuple[Any, ...]) -> dict[str, Any]:
    names, values = part
    return dict(zip(names, values(row), strict=True))


def _field(result: PhotoResult, path: str) -> Any:
    value: Any = result
    for name in path.split("."):
        value = value[name] if isinstance(value, Mapping) else getattr(value, name)
    return value
