"""How a run cuts its photos into tiles, as run.toml keeps it."""

from __future__ import annotations

import msgspec


class GridTable(msgspec.Struct, frozen=True, kw_only=True):
    """The grid, in px; `overview` adds the whole photo in low resolution."""

    tile: int
    overlap: int
    overview: bool
