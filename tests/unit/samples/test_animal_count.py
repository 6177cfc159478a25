from __future__ import annotations

import numpy as np

from haversack.samples.animal_count import AnimalCount, tally

COWS = np.array([[0, 0, 10, 10], [50, 50, 60, 60]], dtype=np.float32)
NOTHING = np.zeros((0, 4), dtype=np.float32)


def test_an_animal_is_found_once_and_its_second_box_is_other() -> None:
    found = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [90, 90, 99, 99]], dtype=np.float32)
    assert tally(COWS, found) == AnimalCount(true=2, found=1, other=2)


def test_no_animals_and_no_boxes_are_counted_as_such() -> None:
    assert tally(NOTHING, NOTHING) == AnimalCount(true=0, found=0, other=0)
    assert tally(COWS, NOTHING) == AnimalCount(true=2, found=0, other=0)
    assert tally(NOTHING, COWS) == AnimalCount(true=0, found=0, other=2)
