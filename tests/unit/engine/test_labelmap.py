from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from haversack.engine.labelmap import to_photo


def test_a_letterboxed_map_is_cut_and_scaled_back_to_the_photo() -> None:
    frame = np.full((4, 6), 9, dtype=np.uint8)  # 9 lies in the padding only
    frame[1:3, 0:6] = [[0, 0, 1, 1, 2, 2], [3, 3, 4, 4, 5, 5]]
    placement = np.array([0.5, 0.5, 0, 1], dtype=np.float32)
    photo = to_photo(frame, placement, (12, 4))
    assert photo.shape == (4, 12)
    assert photo[0].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert photo[3].tolist() == [3] * 4 + [4] * 4 + [5] * 4


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_map_of_the_photos_size_comes_back_as_it_is(width: int, height: int) -> None:
    ids = (np.arange(width * height) % 251).astype(np.uint8).reshape(height, width)
    placement = np.array([1, 1, 0, 0], dtype=np.float32)
    assert np.array_equal(to_photo(ids, placement, (width, height)), ids)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 60))
def test_every_photo_size_gets_a_class_for_each_pixel(width: int, height: int, side: int) -> None:
    ids = np.zeros((side, side), dtype=np.uint8)
    placement = np.array([side / width, side / height, 0, 0], dtype=np.float32)
    assert to_photo(ids, placement, (width, height)).shape == (height, width)
