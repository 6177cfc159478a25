"""A body that waits on disk is read as a mapping: its header says the same as in memory."""

from __future__ import annotations

import io
import mmap
from pathlib import Path

import pytest
from PIL import Image

from haversack.engine.photo import read_header

KINDS = {
    "baseline": ("JPEG", {}),
    "progressive": ("JPEG", {"progressive": True}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {}),
    "tiff": ("TIFF", {}),
    "gif": ("GIF", {}),
    "bmp": ("BMP", {}),
    "avif": ("AVIF", {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_mapping_says_what_the_bytes_say(kind: str, tmp_path: Path) -> None:
    name, options = KINDS[kind]
    buffer = io.BytesIO()
    Image.effect_noise((64, 48), 50).convert("RGB").save(buffer, name, **options)
    path = tmp_path / "photo"
    path.write_bytes(buffer.getvalue())
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert read_header(mapped) == read_header(buffer.getvalue())
        assert read_header(memoryview(mapped)) == read_header(buffer.getvalue())


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "JPEG"])
def test_a_mapping_with_exif_can_be_closed_after_it_was_read(
    format_name: str, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[274] = 8
    path = tmp_path / "photo"
    Image.new("RGB", (8, 4)).save(path, format_name, exif=exif)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert read_header(mapped).orientation == 8
