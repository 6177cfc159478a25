"""One box an object, whatever the tiles, their order and how they cut it."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from haversack.engine.merge import (
    RULES,
    MergeOptions,
    Merger,
    Rule,
    TileBoxes,
    concatenate,
    tile_boxes,
)
from haversack.engine.tiles import Tile, TileGrid

GRID = TileGrid(width=300, height=200, tile=100, overlap=30)
Boxes = NDArray[np.float32]
few = settings(deadline=None, max_examples=60)


def f32(*values: float) -> Boxes:
    return np.array(values, np.float32)


def i64(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def seen(grid: TileGrid, tile: Tile, objects: Boxes, classes: NDArray[np.int64]) -> TileBoxes:
    """What a perfect detector says of one tile: every object with a third of it inside."""
    left, top, right, bottom = tile.xyxy
    inside = np.clip(objects, [left, top, left, top], [right, bottom, right, bottom])
    share = np.prod(inside[:, 2:] - inside[:, :2], axis=1)
    share /= np.prod(objects[:, 2:] - objects[:, :2], axis=1)
    keep = share > 1 / 3
    scores = (0.5 + share[keep] / 3).astype(np.float32)
    return tile_boxes(grid, tile, inside[keep].astype(np.float32), scores, classes[keep])


def merged(parts: list[TileBoxes], rule: Rule = "seam", grid: TileGrid = GRID) -> TileBoxes:
    merger = Merger(grid, MergeOptions(rule=rule))
    for part in parts:
        merger.feed(part)
    return merger.finish()


def rows(found: TileBoxes) -> list[tuple[object, ...]]:
    columns = (found.boxes.tolist(), found.scores.tolist(), found.class_ids.tolist())
    return [(*box, score, k, t) for box, score, k, t in zip(*columns, found.tiles, strict=True)]


def boxes(*values: tuple[float, float, float, float]) -> Boxes:
    return np.array(values, np.float32).reshape(-1, 4)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Boxes, NDArray[np.int64]]:
    """Objects that may overlap, of two classes."""
    seed, count = draw(st.integers(0, 1 << 30)), draw(st.integers(0, 60))
    rng = np.random.default_rng(seed)
    size = rng.uniform(4, 28, (count, 2))
    corner = rng.uniform(0, 1, (count, 2)) * ([GRID.width, GRID.height] - size)
    return np.concatenate([corner, corner + size], axis=1).astype(np.float32), rng.integers(
        0, 2, count
    )


@few
@given(scenes(), st.sampled_from(RULES), st.randoms(use_true_random=False))
def test_the_order_of_tiles_and_boxes_does_not_matter(
    scene: tuple[Boxes, NDArray[np.int64]], rule: Rule, random: object
) -> None:
    parts = [seen(GRID, tile, *scene) for tile in GRID]
    expected = rows(merged(parts, rule))
    random.shuffle(parts)  # type: ignore[attr-defined]
    shuffled = [part.take(np.arange(len(part))[::-1]) for part in parts]
    assert rows(merged(shuffled, rule)) == expected
    assert rows(merged([concatenate(shuffled)], rule)) == expected


@few
@given(scenes())
def test_two_boxes_of_one_tile_never_become_one(scene: tuple[Boxes, NDArray[np.int64]]) -> None:
    one = Tile(4, 100, 50, 100, 100)
    assert rows(merged([seen(GRID, one, *scene)])) == rows(
        merged([seen(GRID, one, *scene)], "none")
    )


@few
@given(scenes())
def test_an_object_that_no_seam_touches_comes_out_as_it_went_in(
    scene: tuple[Boxes, NDArray[np.int64]],
) -> None:
    parts = [seen(GRID, tile, *scene) for tile in GRID]
    shared = np.zeros((GRID.height, GRID.width), np.int64)
    for tile in GRID:
        shared[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width] += 1
    alone = [
        (*box, k)
        for box, k in zip(scene[0].tolist(), scene[1].tolist(), strict=True)
        if (
            shared[int(box[1]) : int(np.ceil(box[3])), int(box[0]) : int(np.ceil(box[2]))] == 1
        ).all()
    ]
    found = merged(parts)
    out = [(*box, k) for box, k in zip(found.boxes.tolist(), found.class_ids.tolist(), strict=True)]
    assert all(out.count(one) == alone.count(one) for one in alone)


@few
@given(scenes())
def test_no_object_is_lost_and_fragments_only_grow(
    scene: tuple[Boxes, NDArray[np.int64]],
) -> None:
    parts = [seen(GRID, tile, *scene) for tile in GRID]
    found = merged(parts)
    raw = concatenate(parts)
    assert len(found) <= len(raw)
    for box in raw.boxes:  # each box lies mostly inside some survivor
        low = np.maximum(found.boxes[:, :2], box[:2])
        high = np.minimum(found.boxes[:, 2:], box[2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1).max(initial=0)
        assert shared > 0.49 * np.prod(box[2:] - box[:2])


def test_an_object_seen_whole_by_two_tiles_is_one_with_the_deeper_box() -> None:
    first, second = GRID.tile_at(0), GRID.tile_at(1)
    one = tile_boxes(GRID, first, boxes((70, 40, 80, 50)), f32(0.9), i64(0))
    other = tile_boxes(GRID, second, boxes((71, 40, 81, 50)), f32(0.8), i64(0))
    found = merged([one, other])
    # 66 px is where the second tile begins: the first sees the box 20 px inside, the second 5.
    assert second.x == 66
    assert rows(found) == [(70, 40, 80, 50, pytest.approx(0.9), 0, 0)]


def test_a_cut_object_becomes_the_union_and_keeps_the_survivors_score_and_class() -> None:
    whole = boxes((60, 40, 110, 60))
    found = merged([seen(GRID, tile, whole, i64(1)) for tile in GRID])
    assert found.boxes.tolist() == whole.tolist()
    assert found.class_ids.tolist() == [1]


def test_a_calf_on_its_mother_stays_beside_her_at_a_seam() -> None:
    mother_and_calf = boxes((70, 40, 98, 60), (75, 44, 85, 52))
    found = merged([seen(GRID, tile, mother_and_calf, i64(0, 0)) for tile in GRID])
    assert sorted(found.boxes.tolist()) == sorted(mother_and_calf.tolist())


def test_two_classes_are_one_object_only_where_asked() -> None:
    first, second = GRID.tile_at(0), GRID.tile_at(1)
    one = tile_boxes(GRID, first, boxes((70, 40, 80, 50)), f32(0.9), i64(0))
    other = tile_boxes(GRID, second, boxes((70, 40, 80, 50)), f32(0.8), i64(1))
    for any_class, count in ((False, 2), (True, 1)):
        merger = Merger(GRID, MergeOptions(any_class=any_class))
        merger.feed(one)
        merger.feed(other)
        assert len(merger.finish()) == count


def test_a_fragment_below_the_threshold_takes_no_part() -> None:
    first, second = GRID.tile_at(0), GRID.tile_at(1)
    sure = tile_boxes(GRID, first, boxes((80, 40, 100, 50)), f32(0.9), i64(0))
    doubtful = tile_boxes(GRID, second, boxes((80, 40, 95, 50)), f32(0.1), i64(0))
    merger = Merger(GRID, MergeOptions(threshold=0.4))
    merger.feed(doubtful)
    merger.feed(sure)
    assert rows(merger.finish()) == [(80, 40, 100, 50, pytest.approx(0.9), 0, 0)]


def test_a_box_that_hangs_over_is_cut_to_its_tile_and_marked() -> None:
    tile = GRID.tile_at(0)
    found = tile_boxes(
        GRID,
        tile,
        boxes((90, 10, 120, 30), (-5, 10, 20, 30), (50, 10, 96, 30), (120, 0, 130, 9)),
        np.ones(4, np.float32),
        np.zeros(4, np.int64),
    )
    assert found.boxes.tolist() == [[90, 10, 100, 30], [0, 10, 20, 30], [50, 10, 96, 30]]
    assert found.cut.tolist() == [True, False, False]


def test_the_overview_finds_what_is_longer_than_a_tile_and_leaves_the_rest_to_tiles() -> None:
    long, short = boxes((20, 60, 280, 140)), boxes((70, 10, 90, 30))
    parts = [seen(GRID, tile, np.concatenate([long, short]), i64(0, 0)) for tile in GRID]
    from_all = tile_boxes(
        GRID,
        GRID.overview,
        np.concatenate([long, short + 2]),
        f32(0.8, 0.8),
        i64(0, 0),
    )
    found = merged([*parts, from_all])
    assert sorted(found.boxes.tolist()) == sorted(np.concatenate([long, short]).tolist())


def test_an_object_across_four_tiles_is_one() -> None:
    whole = boxes((60, 40, 104, 104))
    found = merged([seen(GRID, tile, whole, i64(0)) for tile in GRID])
    assert found.boxes.tolist() == whole.tolist()


def test_a_photo_without_boxes_gives_none() -> None:
    for rule in RULES:
        assert len(merged([], rule)) == 0
        assert len(merged([seen(GRID, GRID.tile_at(0), boxes(), np.zeros(0, np.int64))], rule)) == 0


def test_many_boxes_take_time_in_proportion() -> None:
    """Twice the boxes must not take four times as long; generous, as machines are shared."""
    seconds = []
    for count in (8_000, 32_000):
        grid = TileGrid(width=6000, height=4000 * count // 8_000, tile=800, overlap=150)
        rng = np.random.default_rng(0)
        corner = rng.uniform(0, [grid.width - 30, grid.height - 30], (count, 2))
        objects = np.concatenate([corner, corner + 25], axis=1).astype(np.float32)
        parts = [seen(grid, tile, objects, np.zeros(count, np.int64)) for tile in grid]
        started = time.process_time()
        assert len(merged(parts, grid=grid)) == pytest.approx(count, rel=0.002)
        seconds.append(time.process_time() - started)
    assert seconds[1] < 10 * seconds[0]
