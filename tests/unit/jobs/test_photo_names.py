"""What a photo of an upload may be called."""

from __future__ import annotations

import pytest

from haversack.errors import HaversackError
from haversack.jobs.photo_names import check_photo_name


@pytest.mark.parametrize(
    "name", ["a.jpg", "Kamera 3/DCIM/IMG_0001.JPG", "Größe.tiff", "a/b..c.png"]
)
def test_paths_from_a_folder_down_are_allowed(name: str) -> None:
    check_photo_name(name, {".jpg", ".tiff", ".png"})


@pytest.mark.parametrize(
    "name",
    [
        *("", "/etc/a.jpg", "../a.jpg", "a/../b.jpg", "a//b.jpg", "./a.jpg", "a/"),
        *("a\\b.jpg", "a\n.jpg", "x" * 401, "é" * 121 + ".jpg", chr(0xD800) + ".jpg"),
    ],
)
def test_what_leads_elsewhere_or_fits_no_disk_is_refused_by_name(name: str) -> None:
    with pytest.raises(HaversackError) as caught:
        check_photo_name(name)
    assert caught.value.code == "photo-name-invalid"


def test_another_suffix_is_refused_with_those_that_are_allowed() -> None:
    with pytest.raises(HaversackError) as caught:
        check_photo_name("notes.txt", {".jpg", ".png"})
    assert ".jpg .png" in caught.value.message
