"""What became of one photo: its result, and what its tiles gave before they were joined."""

from __future__ import annotations

from dataclasses import dataclass, field

from haversack.engine.merge import TileBoxes, concatenate
from haversack.engine.results import PackIdentity, PhotoResult
from haversack.errors import HaversackError
from haversack.survey.flow.open_photo import OpenPhoto


@dataclass(frozen=True, kw_only=True, eq=False)
class FinishedPhoto:
    """One photo, finished.

    Attributes:
        result: with one box an object; `timing` is CPU time of this process.
        raw: every box of every tile, before the merge.
    """

    result: PhotoResult
    raw: TileBoxes = field(default_factory=lambda: concatenate([]))


def not_looked_at(
    photo: OpenPhoto, pack: PackIdentity, fault: HaversackError, *, seconds: float = 0.0
) -> FinishedPhoto:
    """A photo that could not be looked at.

    Args:
        seconds: CPU time that went into decoding it.
    """
    return FinishedPhoto(
        result=PhotoResult(
            id=photo.id,
            image=photo.path,
            width=0,
            height=0,
            pack=pack,
            status="vanished" if fault.code == "photo-vanished" else "failed",
            error=fault,
            timing={"decode_seconds": seconds, "model_seconds": 0.0},
        )
    )
