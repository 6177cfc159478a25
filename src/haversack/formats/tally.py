"""How many photos of each status an export met: what was left out is said, not lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from haversack.engine.results import PhotoResult
from haversack.formats.photos import Photos, SurveyRun

LOOKED_AT = frozenset({"done", "partial"})
"""Photos with these were looked at, the second in part: they have objects, or none were found."""

STATUSES = ("done", "partial", "failed", "queued", "vanished")


@dataclass(kw_only=True)
class Tally:
    """Counts that grow while photos pass.

    Attributes:
        statuses: photos by status.
        objects: of the photos looked at.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    objects: int = 0

    def watch(self, photos: Photos) -> Iterator[PhotoResult]:
        """The photos one by one, counted as they pass."""
        for photo in photos():
            self.statuses[photo.status] += 1
            if photo.status in LOOKED_AT:
                self.objects += len(photo.detections)
            yield photo

    def note(self, run: SurveyRun, kind: str) -> dict[str, object]:
        """What an export holds and what it leaves out, ready for JSON."""
        return {
            "export": kind,
            "run": run.name,
            "pack": run.pack,
            "version": run.version,
            "digest": run.digest,
            "threshold": run.threshold,
            "rule": run.rule,
            "objects": self.objects,
            **{status: self.statuses[status] for status in STATUSES},
        }
