"""What was understood of one photo: one type, from the predictor to the survey's exports."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal, Self, TypeAlias

from haversack.engine.detections import Detection
from haversack.engine.tasks.task import TaskOutcome
from haversack.errors import HaversackError
from haversack.packfile.manifest import Manifest

Status: TypeAlias = Literal["queued", "done", "partial", "failed", "vanished"]


@dataclass(frozen=True, kw_only=True)
class PackIdentity:
    """What a result says of the pack that made it."""

    name: str
    version: str
    task: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TileCounts:
    """Tiles of one photo by what became of them.

    Attributes:
        total: that it was cut into.
        skipped: constant, or without data.
        missing: in the part of a partial photo that is not there.
        quartered: had more candidates than the pack keeps, and were run again in quarters.
        truncated: had more all the same: their objects may not be complete.
        candidates: in all of them, that passed the pack's score floor; None where nobody counted.
    """

    total: int = 0
    skipped: int = 0
    missing: int = 0
    quartered: int = 0
    truncated: int = 0
    candidates: int | None = None


@dataclass(frozen=True, kw_only=True)
class GeoTag:
    """When and where a photo was taken; empty where that is not known.

    Attributes:
        taken_at: local time of the camera, ISO 8601.
        lon, lat: degrees WGS84 of the camera, or of a GeoTIFF's centre.
        camera: pose as JSON, see `geo.camera`.
    """

    taken_at: str = ""
    lon: float | None = None
    lat: float | None = None
    camera: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class PhotoResult:
    """What was understood of one photo, or why nothing was.

    Attributes:
        image: the name the caller gave it: a path, or "" for bytes; in a survey relative to the
            run's root, with forward slashes.
        width, height: pixels after EXIF orientation; 0 where the header could not be read.
        pack: who answered.
        status: "done"; "failed" where there is an error and no outcome, "partial" with both; in a
            survey also "queued" and "vanished".
        outcome: the task's answer; None where there is none.
        error: why the photo is not done, or None.
        valid_rows: of pixels, from the top, that a partial photo has; None for all of them.
        timing: seconds by stage: `decode_seconds`, `model_seconds`.
        id: in a run's database, from 1; 0 outside.
        tiles, geotag: of a survey.
    """

    image: str
    width: int
    height: int
    pack: PackIdentity
    status: Status = "done"
    outcome: TaskOutcome | None = None
    error: HaversackError | None = None
    valid_rows: int | None = None
    timing: dict[str, float] = field(default_factory=dict)
    id: int = 0
    tiles: TileCounts = field(default_factory=TileCounts)
    geotag: GeoTag = field(default_factory=GeoTag)

    def __getstate__(self) -> dict[str, Any]:
        """What is sent to another process: not the objects that were made of columns on asking."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @cached_property
    def detections(self) -> tuple[Detection, ...]:
        """The objects found, surest first; empty for other tasks and for failures."""
        return () if self.outcome is None else self.outcome.objects(self.pack.labels)

    @property
    def error_code(self) -> str:
        """Of the error, or ""."""
        return "" if self.error is None else self.error.code

    @property
    def error_message(self) -> str:
        """Why the photo is not done, or ""."""
        return "" if self.error is None else self.error.message

    @property
    def transect(self) -> str:
        """The folder that the photo lies in, relative to the root; "" for the root itself."""
        return self.image.rpartition("/")[0]

    def above(self, threshold: float) -> Self:
        """Only what is at least so sure; answers without scores are unchanged."""
        kept = None if self.outcome is None else self.outcome.above(threshold)
        return self if kept is self.outcome else replace(self, outcome=kept)

    def to_dict(self, *, with_map: bool = False) -> dict[str, Any]:
        """The canonical record of one photo, ready for JSON.

        Args:
            with_map: also give a label map's pixels, as a PNG in base64 (`map`).
        """
        record: dict[str, Any] = {
            "image": _utf8(self.image),
            "width": self.width,
            "height": self.height,
            "pack": self.pack.name,
            "version": self.pack.version,
            "task": self.pack.task,
            "status": self.status,
        }
        if self.error is not None:
            record["error"] = {
                "code": self.error.code,
                "message": _utf8(self.error.message),
                "hint": self.error.hint,
            }
        if self.valid_rows:
            record["valid_rows"] = self.valid_rows
        if self.outcome is not None:
            size = (self.width, self.height)
            record |= self.outcome.fields(self.pack.labels, size, with_map=with_map)
        if self.timing:
            record["timing"] = {name: round(value, 6) for name, value in self.timing.items()}
        return record


def failed(image: str, pack: PackIdentity, error: HaversackError) -> PhotoResult:
    """The result of a photo of which nothing could be read."""
    return PhotoResult(image=image, width=0, height=0, pack=pack, status="failed", error=error)


def identity_of(manifest: Manifest) -> PackIdentity:
    """Who answers with that pack."""
    return PackIdentity(
        name=manifest.name, version=manifest.version, task=manifest.task, labels=manifest.labels
    )


def _utf8(text: str) -> str:
    """A name that is no UTF-8 holds surrogates, which JSON cannot."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
