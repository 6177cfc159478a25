"""What the threads do when a graph fails: one photo's fault is its own, five in a row are not."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from tests.integration.survey_material import save, scene

from haversack.engine.budget import Budget, MemoryBudget
from haversack.engine.fitted import Fitted
from haversack.engine.merge import MergeOptions
from haversack.engine.photo import DecodedPhoto
from haversack.engine.results import PackIdentity
from haversack.engine.tasks.detect import Detections
from haversack.errors import EngineError
from haversack.survey.flow import pipeline as pipeline_file
from haversack.survey.flow.grid import GridTable
from haversack.survey.flow.open_photo import OpenPhoto
from haversack.survey.flow.outcome import FinishedPhoto
from haversack.survey.flow.pipeline import Pipeline, PipelineOptions


class Scripted:
    """A predictor that sees one thing in each tile, and fails in those that are white."""

    identity = PackIdentity(name="scripted", version="1", task="detect")

    def __init__(self) -> None:
        self.calls: list[int] = []

    def fit(self, image: DecodedPhoto) -> Fitted:
        return Fitted(
            pixels=image.pixels,
            placement=np.array([1, 1, 0, 0], np.float32),
            width=image.width,
            height=image.height,
        )

    def infer(self, photos: Sequence[Fitted]) -> list[Detections]:
        self.calls.append(len(photos))
        if any(photo.pixels.mean() > 250 for photo in photos):
            raise EngineError("run-failed", "the graph could not be run: white")
        return [
            Detections(
                boxes=np.array([[1, 1, 9, 9]], np.float32) - photo.placement[[2, 3, 2, 3]],
                scores=np.array([0.9], np.float32),
                class_ids=np.array([0]),
                candidates=1,
                truncated=False,
            )
            for photo in photos
        ]


def listed(
    folder: Path, whites: Sequence[int], count: int, width: int = 90, height: int = 70
) -> list[OpenPhoto]:
    found = []
    for number in range(count):
        pixels = scene(number, width=width, height=height)
        if number in whites:
            pixels[:] = 255
            pixels[::8, ::8] = 250
        told = save(folder / f"{number}.png", pixels).stat()
        found.append(
            OpenPhoto(
                id=number,
                path=f"{number}.png",
                name=f"{number}.png",
                size_bytes=told.st_size,
                mtime_ns=told.st_mtime_ns,
            )
        )
    return found


def work(
    folder: Path,
    photos: list[OpenPhoto],
    memory: Budget | None = None,
    model: Scripted | None = None,
    **options: Any,
) -> list[FinishedPhoto]:
    told = PipelineOptions(
        root=folder,
        grid=GridTable(tile=64, overlap=8, overview=False),
        merge=MergeOptions(),
        memory=memory or MemoryBudget(64 << 20),
        **{"threads": 2, "batch": 2, **options},
    )
    pipeline = Pipeline(model or Scripted(), photos, told)
    try:
        return [one for one in pipeline.outcomes(0.05) if one is not None]
    finally:
        pipeline.close()
        assert not [t for t in threading.enumerate() if t.name.startswith("survey-")]


@pytest.mark.parametrize("options", [{"threads": 1}, {"decoders": 2, "across_photos": True}])
def test_each_photo_has_one_outcome(tmp_path: Path, options: dict[str, Any]) -> None:
    outcomes = work(tmp_path, listed(tmp_path, [], 12), **options)
    assert sorted(one.result.id for one in outcomes) == list(range(12))
    assert {one.result.status for one in outcomes} == {"done"}
    # Four tiles, one thing at the corner of each.
    assert {len(one.raw) for one in outcomes} == {4}
    first = outcomes[0]
    assert sorted(first.raw.boxes[:, :2].tolist()) == [[1, 1], [1, 7], [27, 1], [27, 7]]


def test_a_graph_that_fails_on_one_photo_fails_that_photo(tmp_path: Path) -> None:
    outcomes = work(tmp_path, listed(tmp_path, [3], 8), threads=1)
    assert {one.result.id: one.result.status for one in outcomes}[3] == "failed"
    assert [one.result.error_code for one in outcomes if one.result.id == 3] == ["run-failed"]
    assert sum(one.result.status == "done" for one in outcomes) == 7


def test_a_graph_that_fails_on_photo_after_photo_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        work(tmp_path, listed(tmp_path, range(12), 12), threads=1)
    assert caught.value.code == "run-failed"


def test_a_photo_waits_for_memory_instead_of_failing(tmp_path: Path) -> None:
    # Each takes about 3 MiB to decode: one after the other, though four threads could.
    outcomes = work(tmp_path, listed(tmp_path, [], 9), threads=4, memory=MemoryBudget(4 << 20))
    assert {one.result.status for one in outcomes} == {"done"}


def test_a_broken_photo_of_many_tiles_ends_neither_the_run_nor_asks_again(tmp_path: Path) -> None:
    model = Scripted()
    photos = listed(tmp_path, [0], 2, width=500, height=400)
    outcomes = work(tmp_path, photos, model=model, threads=1)
    assert {one.result.id: (one.result.status, one.result.error_code) for one in outcomes} == {
        0: ("failed", "run-failed"),
        1: ("done", ""),
    }
    tiles = outcomes[-1].result.tiles.total
    assert tiles > 50
    assert sum(model.calls) == 2 + tiles  # of the broken one, only those of the call that failed


def test_photos_that_share_a_batch_with_a_broken_one_are_looked_at(tmp_path: Path) -> None:
    outcomes = work(
        tmp_path, listed(tmp_path, [3, 7], 12), threads=1, batch=24, decoders=2, across_photos=True
    )
    failed = [one.result.id for one in outcomes if one.result.status == "failed"]
    assert sorted(failed) == [3, 7]
    assert sum(one.result.status == "done" for one in outcomes) == 10


def test_whole_photos_between_broken_ones_let_the_run_go_on(tmp_path: Path) -> None:
    outcomes = work(tmp_path, listed(tmp_path, [0, 1, 2, 3, 5, 6, 7, 8], 10), threads=1)
    assert len(outcomes) == 10


class ShortOnce:
    """A budget that has no memory the first time a photo is planned."""

    def __init__(self) -> None:
        self._inner = MemoryBudget(64 << 20)
        self._is_short = True
        self.take, self.give = self._inner.take, self._inner.give

    @property
    def whole_bytes(self) -> int:
        if self._is_short:
            self._is_short = False
            raise MemoryError
        return self._inner.whole_bytes


def test_a_photo_that_cannot_be_planned_for_want_of_memory_fails_alone(tmp_path: Path) -> None:
    outcomes = work(tmp_path, listed(tmp_path, [], 4), ShortOnce(), threads=1)
    told = {one.result.id: (one.result.status, one.result.error_code) for one in outcomes}
    assert told[0] == ("failed", "photo-out-of-memory")
    assert [told[number][0] for number in (1, 2, 3)] == ["done"] * 3


class Held(Scripted):
    """Fails in every tile, but only when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.go_on = threading.Semaphore(0), threading.Semaphore(0)

    def infer(self, photos: Sequence[Fitted]) -> list[Detections]:
        self.began.release()
        assert self.go_on.acquire(timeout=20)
        raise EngineError("run-failed", "the graph could not be run")


@pytest.fixture
def _slow_steps() -> Iterator[None]:
    """Whoever waits for a lock has it before the thread that let it go takes its next step."""

    def pause(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename == pipeline_file.__file__:
            time.sleep(0.01)

    threading.setprofile(pause)
    yield
    threading.setprofile(None)


def in_pieces(path: Path) -> OpenPhoto:
    """A TIFF so large that it is read in bands; all but its first rows are left out of the file."""
    rasterio = importlib.import_module("rasterio")
    told = {"width": 8192, "height": 8300, "count": 3, "dtype": "uint8", "tiled": True}
    place = {"crs": "EPSG:4326", "transform": rasterio.Affine(1e-6, 0, 10, 0, -1e-6, 50)}
    with rasterio.open(path, "w", driver="GTiff", sparse_ok=True, **told, **place) as file:
        noise = np.random.default_rng(1).integers(0, 255, (3, 256, 8192), np.uint8)
        file.write(noise, window=rasterio.windows.Window(0, 0, 8192, 256))
    size, moment = path.stat().st_size, path.stat().st_mtime_ns
    return OpenPhoto(id=0, path=path.name, name=path.name, size_bytes=size, mtime_ns=moment)


@pytest.mark.usefixtures("_slow_steps")
def test_a_photo_that_breaks_while_the_run_stops_ends_once(tmp_path: Path) -> None:
    model, memory = Held(), MemoryBudget(512 << 20)
    told = PipelineOptions(
        root=tmp_path,
        grid=GridTable(tile=64, overlap=8, overview=False),
        merge=MergeOptions(),
        threads=2,
        batch=2,
        memory=memory,
    )
    pipeline = Pipeline(model, [in_pieces(tmp_path / "large.tif")], told)
    outcomes, end = [], time.monotonic() + 20
    try:
        for one in pipeline.outcomes(0.05):
            assert time.monotonic() < end, f"it hangs with {pipeline.in_flight} in flight"
            outcomes += [one] if one is not None else []
            if model.calls == [] and model.began.acquire(timeout=20):
                assert model.began.acquire(timeout=20)
                model.calls.append(2)  # both threads are at tiles of the first band
                pipeline.stop()
                model.go_on.release()
                time.sleep(0.3)  # and then one of them waits
                model.go_on.release()
    finally:
        pipeline.close()
    assert [one.result.error_code for one in outcomes] == ["run-failed"]
    assert pipeline.in_flight == 0
    assert memory.take(memory.whole_bytes)
