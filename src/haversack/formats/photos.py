"""What an export is given: a run's facts, and its photos one by one with what was found in them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from haversack.engine.results import PhotoResult


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


Photos: TypeAlias = Callable[[], Iterable[PhotoResult]]
"""Reads the run's photos from the first, by path; may be called again for a second pass."""
