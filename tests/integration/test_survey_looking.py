"""A tile is the same alone, in a batch, and in a batch that is filled up for a GPU."""

from __future__ import annotations

import numpy as np
import pytest
from tests.integration.survey_material import scene, spots_pack

from haversack.engine.predictor import Predictor
from haversack.engine.tiles import TileGrid, cut
from haversack.survey.looking import TileFinding, TileView, is_constant, look

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
    alone = told([look(predictor, [view])[0] for view in views])
    assert sum(len(scores) for _, scores, _ in alone) > 20
    assert told(look(predictor, views)) == alone
    assert told(look(predictor, views[:3], fill_to=8)) == alone[:3]


def test_boxes_stay_inside_their_tile(predictor: Predictor, views: list[TileView]) -> None:
    for view, finding in zip(views, look(predictor, views), strict=True):
        left, top, right, bottom = view.tile.xyxy
        assert (finding.boxes.boxes >= (left, top, left, top)).all()
        assert (finding.boxes.boxes <= (right, bottom, right, bottom)).all()


def test_one_pixel_that_differs_is_enough_to_look(predictor: Predictor) -> None:
    plain = np.full((128, 128, 3), 255, np.uint8)
    assert is_constant(plain)
    tile = GRID.tile_at(0)
    assert look(predictor, [TileView(pixels=plain, tile=tile, grid=GRID)])[0].skipped
    for place in ((0, 0), (5, 77), (127, 127)):
        dotted = plain.copy()
        dotted[place] = (255, 255, 254)
        assert not is_constant(dotted)
