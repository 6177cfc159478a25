"""What became of one photo: the row that is written for it, and its boxes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from haversack.engine.merge import TileBoxes, concatenate

Status = Literal["done", "partial", "failed", "vanished"]


@dataclass(frozen=True, kw_only=True)
class TileCounts:
    """Tiles of one photo by what became of them; see schema.sql."""

    tiles: int = 0
    skipped: int = 0
    missing: int = 0
    quartered: int = 0
    truncated: int = 0


@dataclass(frozen=True, kw_only=True)
class GeoTag:
    """When and where a photo was taken; empty where that is not known.

    Attributes:
        taken_at: local time of the camera, ISO 8601.
        lon, lat: degrees WGS84.
        camera: pose as JSON, see `geo.camera`.
    """

    taken_at: str = ""
    lon: float | None = None
    lat: float | None = None
    camera: str = ""


@dataclass(frozen=True, kw_only=True)
class PhotoOutcome:
    """One photo, finished.

    Attributes:
        id: in the run's database.
        path: as it is shown.
        status: see the contract.
        error_code, error: why it is not done, or "".
        width, height: of the upright photo; 0 where its header could not be read.
        valid_rows: of a partial photo, as stored in its file.
        counts: of its tiles.
        seconds_decode, seconds_model: CPU time of this process.
        geotag: see `GeoTag`.
        raw: every box of every tile, before the merge.
        found: one box an object.
    """

    id: int
    path: str
    status: Status
    error_code: str = ""
    error: str = ""
    width: int = 0
    height: int = 0
    valid_rows: int | None = None
    counts: TileCounts = field(default_factory=TileCounts)
    seconds_decode: float = 0.0
    seconds_model: float = 0.0
    geotag: GeoTag = field(default_factory=GeoTag)
    raw: TileBoxes = field(default_factory=lambda: concatenate([]))
    found: TileBoxes = field(default_factory=lambda: concatenate([]))
