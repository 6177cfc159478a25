"""What an export is given: a run's facts, and its photos one by one with what was found in them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class FoundObject:
    """One object, after tiles were merged.

    Attributes:
        class_id: its place in the pack's labels.
        score: 0 to 1.
        box: x1, y1, x2, y2 in pixels of the upright photo.
        mask: `counts` of a COCO compressed RLE over the whole photo, or None.
        review: whether a person should look at it.
        counted: whether it counts; not where it is another photo's.
    """

    class_id: int
    score: float
    box: tuple[float, float, float, float]
    mask: str | None = None
    review: bool = False
    counted: bool = True


@dataclass(frozen=True, kw_only=True)
class SurveyPhoto:
    """One photo of a run.

    Attributes:
        id: in the run's database, from 1.
        path: relative to the run's root, with forward slashes.
        width, height: of the upright photo in pixels; 0 where its header could not be read.
        status: "queued", "done", "partial", "failed" or "vanished".
        error_code, error: why it is failed or partial, or "".
        tiles, tiles_skipped: cut from it, and passed over as constant or without data.
        tiles_truncated: that had more candidates than the graph keeps, even cut into quarters.
        valid_rows: of pixels, from the top, where a part of it was read; else 0.
        seconds_decode, seconds_model: CPU time spent on it.
        taken_at: local time of the camera, ISO 8601, or "".
        lon, lat: degrees WGS84 of the camera, or of a GeoTIFF's centre; None where not known.
        camera: the camera's pose as JSON (see `geo.camera`), or "".
        objects: surest first.
    """

    id: int
    path: str
    width: int
    height: int
    status: str
    error_code: str = ""
    error: str = ""
    tiles: int = 0
    tiles_skipped: int = 0
    tiles_truncated: int = 0
    valid_rows: int = 0
    seconds_decode: float = 0.0
    seconds_model: float = 0.0
    taken_at: str = ""
    lon: float | None = None
    lat: float | None = None
    camera: str = ""
    objects: tuple[FoundObject, ...] = ()

    @property
    def transect(self) -> str:
        """The folder that the photo lies in, relative to the root; "" for the root itself."""
        return self.path.rpartition("/")[0]


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How fast a run went, and what held it back.

    Attributes:
        seconds: of wall clock, summed over its starts.
        decode_seconds, model_seconds: spent in each, summed over threads.
        threads, batch: as measured or asked for.
        limited_by: one sentence.
    """

    seconds: float = 0.0
    decode_seconds: float = 0.0
    model_seconds: float = 0.0
    threads: int = 1
    batch: int = 1
    limited_by: str = ""


@dataclass(frozen=True, kw_only=True)
class SurveyRun:
    """The facts of a run that exports state.

    Attributes:
        name: of the run's folder.
        root: the folder that photos' paths are relative to.
        pack, version, digest, labels: the pack that looked.
        threshold: the score from which objects count; what lies below is not exported.
        rule: how tiles were merged: "seam", "nms" or "none".
        tile, overlap: in px.
        created: when the run began, UTC.
        settings: every effective setting as text, in the order to print them.
        speed: see `Speed`.
        photo_address: that a photo's quoted path is put behind to link to it; "" for its file.
    """

    name: str
    root: Path
    pack: str
    version: str
    digest: str
    labels: tuple[str, ...]
    threshold: float
    rule: str
    tile: int
    overlap: int
    created: datetime.datetime
    settings: dict[str, str] = field(default_factory=dict)
    speed: Speed = field(default_factory=Speed)
    photo_address: str = ""


Photos: TypeAlias = Callable[[], Iterable[SurveyPhoto]]
"""Reads the run's photos from the first, by path; may be called again for a second pass."""
