"""What a run says of itself before its first photo."""

from __future__ import annotations

from haversack.engine.photo import read_header
from haversack.engine.tiles import TileGrid
from haversack.errors import HaversackError
from haversack.survey.flow.autotune import Tuning
from haversack.survey.flow.grid import GridTable
from haversack.survey.run.options import RunRecord
from haversack.survey.run.progress import Screen
from haversack.survey.run.sources import Sources

_HEAD_BYTES = 256 << 10


def introduce(record: RunRecord, sources: Sources, screen: Screen) -> None:
    """What will be done, before anything is."""
    pack, grid = record.pack, record.grid
    screen.note(f"{len(sources.photos):,} photos in {sources.root}")
    if sources.ignored:
        kinds = ", ".join(f"{count:,} {suffix}" for suffix, count in sources.ignored.items())
        screen.note(f"{sum(sources.ignored.values()):,} other files passed over: {kinds}")
    for line in sources.unreadable:
        screen.note(f"not searched: {line}")
    for name in sources.missing:
        screen.note(f"listed, but not there: {name}")
    screen.note(f"Pack {pack.name}@{pack.version} on {device_name(record)}.")
    screen.note(_grid_line(grid, sources))


def _grid_line(grid: GridTable, sources: Sources) -> str:
    """The grid, with what it makes of the first photo whose size can be read."""
    text = f"Tiles of {grid.tile} px, {grid.overlap} px overlap"
    if grid.overview:
        text += ", and each photo once more as a whole"
    for photo in sources.photos[:20]:
        try:
            with (sources.root / photo.path).open("rb") as stream:
                header = read_header(stream.read(_HEAD_BYTES))
        except (HaversackError, OSError):
            continue
        laid = TileGrid(
            width=header.width, height=header.height, tile=grid.tile, overlap=grid.overlap
        )
        return (
            f"{text}: {photo.path} with {header.width} x {header.height} px has "
            f"{len(laid.columns)} x {len(laid.rows)} = {laid.count}, and "
            f"{laid.redundancy:.2f} times its pixels are looked at."
        )
    return f"{text}."


def device_name(record: RunRecord) -> str:
    """Where the pack runs, in a word."""
    return "CPU" if record.speed.device == "cpu" else record.speed.device.upper()


def tuning_line(told: Tuning) -> str:
    """One measured setting."""
    return f"batch {told.batch}, {told.threads} threads: {told.tiles_per_second:.3g} tiles/s"
