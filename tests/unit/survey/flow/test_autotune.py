"""Threads that feed a GPU are measured: as many as pay, and two where none do."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import cast

import numpy as np
import pytest

from haversack.engine.fitted import Fitted
from haversack.engine.photo import DecodedPhoto
from haversack.engine.predictor import Predictor
from haversack.engine.results import PackIdentity
from haversack.engine.tasks.detect import Detections
from haversack.engine.tiles import TileGrid
from haversack.survey.flow.autotune import TuneOptions, Tuning, tune
from haversack.survey.flow.tile_inference import TileView

GRID = TileGrid(width=8, height=8, tile=8, overlap=0)
NOTHING = Detections(
    boxes=np.zeros((0, 4), np.float32),
    scores=np.zeros(0, np.float32),
    class_ids=np.zeros(0, np.int64),
    candidates=0,
    truncated=False,
)

SLEEPER = PackIdentity(name="sleeper", version="1", task="detect")


@dataclass
class Sleeper:
    """A pack whose call takes 60 ms, side by side with others or one at a time."""

    turn: AbstractContextManager[object]
    batches: bool = True
    identity: PackIdentity = SLEEPER

    def fit(self, image: DecodedPhoto) -> Fitted:
        placement = np.array([1, 1, 0, 0], np.float32)
        return Fitted(pixels=image.pixels, placement=placement, width=8, height=8)

    def infer(self, photos: Sequence[Fitted]) -> list[Detections]:
        with self.turn:
            time.sleep(0.06)
        return [NOTHING] * len(photos)


def tuned(turn: AbstractContextManager[object], **given: int) -> tuple[Tuning, list[int]]:
    """What is chosen, and the numbers of threads that were measured."""
    pixels = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    view = TileView(pixels=pixels, tile=GRID.tile_at(0), grid=GRID)
    options = TuneOptions(
        device="cuda",
        threads=given.get("threads"),
        batch=given.get("batch", 4),
        most_threads=8,
        memory_bytes=1 << 40,
        trial_seconds=0.6,
    )
    told: list[int] = []
    predictor = cast("Predictor", Sleeper(turn))
    best = tune(predictor, [view], options, lambda tuning: told.append(tuning.threads))
    return best, told


def test_threads_are_doubled_while_that_pays() -> None:
    best, told = tuned(contextlib.nullcontext())
    assert best.threads == 8
    assert told == [2, 4, 8]


def test_two_threads_stay_where_the_device_takes_one_call_at_a_time() -> None:
    best, told = tuned(threading.Lock())
    assert best.threads == 2
    assert told == [2, 4]


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_that_were_asked_for_are_taken(threads: int) -> None:
    best, told = tuned(contextlib.nullcontext(), threads=threads)
    assert best.threads == threads
    assert told == []
