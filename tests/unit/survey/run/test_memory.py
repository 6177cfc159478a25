"""Half of the memory is for photos, unless a number that can be held was asked for."""

from __future__ import annotations

import pytest

from haversack.errors import HaversackError
from haversack.survey.run.memory import photo_budget


def test_half_is_for_photos_unless_asked_otherwise() -> None:
    assert photo_budget(None, 1 << 30) == 512 << 20
    assert photo_budget(100 << 20, 1 << 30) == 100 << 20


@pytest.mark.parametrize("asked", [1 << 20, 2 << 30])
def test_a_budget_that_cannot_be_held_is_refused(asked: int) -> None:
    with pytest.raises(HaversackError) as caught:
        photo_budget(asked, 1 << 30)
    assert caught.value.code == "memory-unfit"
