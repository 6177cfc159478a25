from __future__ import annotations

from pathlib import Path

import pytest

from haversack.cli.copies import plan_copies
from haversack.errors import HaversackError

OUT = Path("out")


def test_a_copy_has_its_photos_name_and_a_format_that_can_be_written() -> None:
    photos = [Path("a/x.jpg"), Path("a/y.heic"), Path("a/z.PNG")]
    assert [copy.name for copy in plan_copies(OUT, photos).values()] == [
        "x.jpg",
        "y.heic.png",
        "z.PNG",
    ]


def test_photos_of_one_name_get_their_folders_name() -> None:
    plan = plan_copies(OUT, [Path("a/x.jpg"), Path("b/x.jpg")])
    assert [copy.name for copy in plan.values()] == ["a_x.jpg", "b_x.jpg"]


def test_one_photo_given_twice_is_drawn_once() -> None:
    assert len(plan_copies(OUT, [Path("a/x.jpg"), Path("a/x.jpg")])) == 1


@pytest.mark.parametrize("folder", ["photos", "photos/../photos", "./photos"])
def test_a_photo_is_never_drawn_over(folder: str) -> None:
    with pytest.raises(HaversackError) as caught:
        plan_copies(Path(folder), [Path("photos/x.jpg")])
    assert caught.value.code == "copy-over-input"


def test_copies_that_would_still_collide_are_refused() -> None:
    with pytest.raises(HaversackError) as caught:
        plan_copies(OUT, [Path("1/a/x.jpg"), Path("2/a/x.jpg")])
    assert caught.value.code == "copies-collide"
