"""A photo's results as its canonical record, for an answer or a job."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from haversack.engine.results import PhotoResult
from haversack.serve.models.model import ServedModel

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What of the results the record shows.

    Attributes:
        image: the name that its sender gave the photo.
        threshold: the least score; None for the pack's own.
        with_map: also a label map's pixels.
    """

    image: str = ""
    threshold: float | None = None
    with_map: bool = False


def record(result: PhotoResult, model: ServedModel, shown: Shown) -> bytes:
    """The record as JSON."""
    floor = shown.threshold
    if floor is None:
        floor = model.manifest.defaults.score_threshold
    kept = replace(result.above(floor), image=shown.image)
    return _encoder.encode(kept.to_dict(with_map=shown.with_map))
