"""Tiles cover every pixel of any photo, hang over nowhere and are views."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haversack.engine.tiles import TileGrid, cut
from haversack.errors import EngineError

few = settings(deadline=None, max_examples=60)


@st.composite
def grids(draw: st.DrawFn) -> TileGrid:
    tile = draw(st.integers(5, 60))
    return TileGrid(
        width=draw(st.integers(1, 200)),
        height=draw(st.integers(1, 200)),
        tile=tile,
        overlap=draw(st.integers(0, tile - 1)),
    )


@few
@given(grids())
def test_the_union_of_tiles_is_the_photo_and_nothing_hangs_over(grid: TileGrid) -> None:
    seen = np.zeros((grid.height, grid.width, 1), np.uint8)
    for tile in grid:
        part = cut(seen, tile)
        assert part.shape[:2] == (tile.height, tile.width)
        part[:] = 1
    assert seen.all()


@few
@given(grids())
def test_neighbours_share_at_least_the_overlap(grid: TileGrid) -> None:
    for starts, side in ((grid.columns, grid.width), (grid.rows, grid.height)):
        steps = np.diff(starts)
        assert (steps > 0).all()
        assert (steps <= grid.tile - grid.overlap).all()
        assert starts[-1] + min(grid.tile, side) == side


@few
@given(grids())
def test_redundancy_is_the_tiles_pixels_over_the_photos(grid: TileGrid) -> None:
    pixels = sum(tile.width * tile.height for tile in grid)
    assert grid.redundancy == pytest.approx(pixels / (grid.width * grid.height))


@few
@given(grids())
def test_every_number_names_its_tile(grid: TileGrid) -> None:
    for number in (*range(grid.count), grid.count, *range(grid.count + 1, 5 * grid.count + 1)):
        assert grid.tile_at(number).number == number
    for number in (-1, 5 * grid.count + 1):
        with pytest.raises(IndexError):
            grid.tile_at(number)


@few
@given(grids())
def test_quarters_cover_their_tile_and_no_more(grid: TileGrid) -> None:
    tile = grid.tile_at(grid.count - 1)
    seen = np.zeros((grid.height, grid.width), np.uint8)
    for quarter in grid.quarters(tile):
        seen[quarter.y : quarter.y + quarter.height, quarter.x : quarter.x + quarter.width] = 1
    assert seen[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width].all()
    assert seen.sum() == tile.width * tile.height


def test_a_24_megapixel_photo_has_54_tiles_of_800() -> None:
    grid = TileGrid(width=6000, height=4000, tile=800, overlap=150)
    assert (len(grid.columns), len(grid.rows), grid.count) == (9, 6, 54)
    assert grid.redundancy == pytest.approx(1.44)


def test_a_photo_smaller_than_a_tile_is_one_tile_of_its_own_size() -> None:
    grid = TileGrid(width=300, height=1000, tile=800, overlap=150)
    assert [tile.xyxy for tile in grid] == [(0, 0, 300, 800), (0, 200, 300, 1000)]
    assert grid.interior(grid.tile_at(0)) == (False, False, False, True)


def test_a_tile_is_a_view() -> None:
    photo = np.zeros((50, 70, 3), np.uint8)
    grid = TileGrid(width=70, height=50, tile=20, overlap=4)
    assert all(np.shares_memory(photo, cut(photo, tile)) for tile in grid)


@pytest.mark.parametrize(("tile", "overlap"), [(0, 0), (100, 100), (100, -1)])
def test_a_grid_that_is_none_is_refused(tile: int, overlap: int) -> None:
    with pytest.raises(EngineError, match="less than the tile") as caught:
        TileGrid(width=10, height=10, tile=tile, overlap=overlap)
    assert caught.value.code == "grid-unfit"
