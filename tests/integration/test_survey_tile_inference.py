"""A tile is the same alone, in a batch, and in a batch that is filled up for a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from tests.integration.survey_material import scene, spots_pack

from haversack.engine.fitted import Fitted
from haversack.engine.photo import DecodedPhoto
from haversack.engine.predictor import Predictor
from haversack.engine.results import PackIdentity
from haversack.engine.tasks.task import TaskOutcome
from haversack.engine.tiles import TileGrid, cut
from haversack.survey.flow.tile_inference import TileFinding, TileView, infer_tiles, is_constant

GRID = TileGrid(width=400, height=300, tile=128, overlap=24)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor(spots_pack(tmp_path_factory.mktemp("pack")))


@pytest.fixture(scope="module")
def views() -> list[TileView]:
    pixels = scene(4, width=400, height=300)
    return [TileView(pixels=cut(pixels, tile), tile=tile, grid=GRID) for tile in GRID]


def told(findings: list[TileFinding]) -> list[tuple[list[list[float]], list[float], list[bool]]]:
    return [
        (one.boxes.boxes.tolist(), one.boxes.scores.tolist(), one.boxes.cut.tolist())
        for one in findings
    ]


def test_batches_change_nothing(predictor: Predictor, views: list[TileView]) -> None:
    alone = told([infer_tiles(predictor, [view])[0] for view in views])
    assert sum(len(scores) for _, scores, _ in alone) > 20
    assert told(infer_tiles(predictor, views)) == alone
    assert told(infer_tiles(predictor, views[:3], fill_to=8)) == alone[:3]


def test_boxes_stay_inside_their_tile(predictor: Predictor, views: list[TileView]) -> None:
    for view, finding in zip(views, infer_tiles(predictor, views), strict=True):
        left, top, right, bottom = view.tile.xyxy
        assert (finding.boxes.boxes >= (left, top, left, top)).all()
        assert (finding.boxes.boxes <= (right, bottom, right, bottom)).all()


def test_one_pixel_that_differs_is_enough_to_look(predictor: Predictor) -> None:
    plain = np.full((128, 128, 3), 255, np.uint8)
    assert is_constant(plain)
    tile = GRID.tile_at(0)
    assert infer_tiles(predictor, [TileView(pixels=plain, tile=tile, grid=GRID)])[0].skipped
    for place in ((0, 0), (5, 77), (127, 127)):
        dotted = plain.copy()
        dotted[place] = (255, 255, 254)
        assert not is_constant(dotted)


@dataclass
class Counting:
    """A pack that keeps how many photos each call of it was given."""

    predictor: Predictor
    calls: list[int] = field(default_factory=list)

    @property
    def identity(self) -> PackIdentity:
        return self.predictor.identity

    def fit(self, image: DecodedPhoto) -> Fitted:
        return self.predictor.fit(image)

    def infer(self, photos: Sequence[Fitted]) -> list[TaskOutcome]:
        self.calls.append(len(photos))
        return self.predictor.infer(photos)


def test_quarters_of_a_herd_share_batches(tmp_path: Path, views: list[TileView]) -> None:
    few = Predictor(spots_pack(tmp_path, candidates=3))
    alone, together = Counting(few), Counting(few)
    expected = infer_tiles(alone, views)
    crowded = sum(finding.quartered for finding in expected)
    assert crowded > 4
    assert told(infer_tiles(together, views, fill_to=16)) == told(expected)
    assert alone.calls == [len(views)] + [1] * 4 * crowded
    assert together.calls == [16] * (1 + -(-4 * crowded // 16))


def test_a_whole_photo_that_overflows_is_looked_at_once(
    tmp_path: Path, views: list[TileView]
) -> None:
    few = Counting(Predictor(spots_pack(tmp_path, candidates=3)))
    whole = TileView(pixels=scene(4, width=400, height=300), tile=GRID.overview, grid=GRID)
    found = infer_tiles(few, [whole])[0]
    assert found.truncated
    assert not found.quartered
    assert len(found.boxes.scores) == 3
    assert few.calls == [1]
