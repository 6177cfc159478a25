"""The shelf of sample photos."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from haversack.samples.scenes import draw_scene
from haversack.web.samples import PHOTOS_SHOWN, SampleShelf


def test_without_a_folder_three_scenes_are_drawn_once() -> None:
    shelf = SampleShelf()
    photos = shelf.photos()
    assert [photo.name for photo in photos] == ["aerial 1", "aerial 2", "aerial 3"]
    with ThreadPoolExecutor(4) as threads:
        copies = list(threads.map(lambda _: photos[0].read(), range(4)))
    assert all(copy is copies[0] for copy in copies)
    pixels = np.asarray(Image.open(io.BytesIO(copies[0])), np.int16)
    assert np.abs(pixels - draw_scene(0).pixels).mean() < 4


def test_a_folder_gives_its_jpegs_and_pngs_sorted(tmp_path: Path) -> None:
    for name in ("b_ridge.PNG", "a-river.jpg", "c.jpeg", "d.txt", "e.svg"):
        (tmp_path / name).write_bytes(b"bytes of " + name.encode())
    (tmp_path / "f.jpg").mkdir()
    photos = SampleShelf(tmp_path).photos()
    assert [photo.file for photo in photos] == ["a-river.jpg", "b_ridge.PNG", "c.jpeg"]
    assert [photo.name for photo in photos] == ["a river", "b ridge", "c"]
    assert photos[1].media_type == "image/png"
    assert photos[1].read() == b"bytes of b_ridge.PNG"


def test_at_most_twelve_are_shown(tmp_path: Path) -> None:
    for number in range(PHOTOS_SHOWN + 3):
        (tmp_path / f"{number:02d}.jpg").write_bytes(b"x")
    assert len(SampleShelf(tmp_path).photos()) == PHOTOS_SHOWN


def test_nothing_outside_the_folder_is_reached(tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"x")
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "link.jpg").symlink_to(secret)
    (folder / "own.jpg").symlink_to(folder / "real.png")
    (folder / "real.png").write_bytes(b"y")
    shelf = SampleShelf(folder)
    assert [photo.file for photo in shelf.photos()] == ["own.jpg", "real.png"]
    for name in ("link.jpg", "../secret.jpg", str(secret), "", "."):
        assert shelf.find(name) is None


def test_a_folder_that_went_away_is_an_empty_shelf(tmp_path: Path) -> None:
    assert SampleShelf(tmp_path / "gone").photos() == []
