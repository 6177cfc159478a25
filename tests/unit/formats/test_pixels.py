"""Pixels of photos that were read in part, or are too large to decode."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from tests.unit.formats import survey_runs as made

from haversack.formats import crops
from haversack.formats.pixels import PixelReader
from haversack.formats.replace import NOTE_NAME


def test_a_partial_photo_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.jpg", quality=90)
    data = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    photo = made.photo(1, "cut.jpg", made.found())
    reader = PixelReader(run=made.run(tmp_path))
    assert reader.read(photo) is None
    assert "end early" in reader.named[0][1]
    pixels = reader.read(replace(photo, status="partial"))
    assert pixels is not None
    assert pixels[:100].std() > 20


def test_a_mosaic_too_large_to_decode_is_cut_in_windows(tmp_path: Path) -> None:
    size = (9000, 7500)
    Image.new("RGB", size, (30, 90, 30)).save(tmp_path / "m.tif", compression="tiff_deflate")
    found = made.found((8000, 7000, 8040, 7050))
    photo = replace(made.photo(1, "m.tif", found), width=size[0], height=size[1])
    path = crops.write(made.run(tmp_path), made.photos([photo]), tmp_path / "out")
    with Image.open(path / "m.tif_001_cow.jpg") as crop:
        assert crop.size == (96, 100)
    (tmp_path / "m.tif").unlink()
    crops.write(made.run(tmp_path), made.photos([photo]), path)
    note = json.loads((path / NOTE_NAME).read_bytes())
    assert note["unreadable"] == 1
    assert not list(path.glob("*.jpg"))
