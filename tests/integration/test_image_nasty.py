"""Damaged, odd and hostile files: each gives Pillow's photo, or a refusal named here."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from haversack.engine.photo import decode
from haversack.errors import PhotoError

NASTY = Path(__file__).parents[3] / "shared" / "data" / "images" / "nasty"
pytestmark = pytest.mark.skipif(
    not NASTY.is_dir(), reason="../shared/data is absent: no nasty images to read"
)

REFUSED = {
    "heif/RGB_8__128x128.heif": "image-type-unknown",
    "heif/corrupted.heic": "image-type-unknown",
    "heif/pug.heic": "image-type-unknown",
    "pillow/12in16bit.tif": "image-mode-unsupported",
    "pillow/16_bit_noise.tif": "image-mode-unsupported",
    "pillow/16bit.MM.deflate.tif": "image-mode-unsupported",
    "pillow/16bit.cropped.tif": "image-mode-unsupported",
    "pillow/tiff_tiled_planar_16bit_RGB.tiff": "image-mode-unsupported",
    "pillow/hopper.ico": "image-type-unknown",
    "pillow/badheadersize.bmp": "image-corrupt",
    "pillow/broken.png": "image-corrupt",
    "pillow/broken_data_stream.png": "image-corrupt",
    "pillow/crash-0c7e0e8e11ce787078f00b5b0ca409a167f070e0.tif": "image-corrupt",
    "pillow/crash-0e16d3bfb83be87356d026d66919deaefca44dac.tif": "image-corrupt",
    "pillow/decompression_bomb.gif": "image-corrupt",
    # 1,214 bytes of its scan belong to no restart interval; Pillow shows what it can.
    "pillow/hopper_bad_exif.jpg": "image-corrupt",
    "pillow/syntax_num_frames_zero.png": "image-truncated",
    "pillow/truncated_end_chunk.png": "image-truncated",
    "pillow/truncated_image.png": "image-truncated",
}
NAMES = sorted(json.loads((NASTY / "EXPECTED.json").read_text())) if NASTY.is_dir() else []


def refusal(data: bytes) -> str | None:
    """The code of the error that `data` gives, or None where it is a photo."""
    try:
        decode(data)
    except PhotoError as error:
        return error.code if error.message else "no sentence"
    return None


@pytest.mark.parametrize("name", NAMES)
def test_nasty_file_gives_a_photo_or_the_refusal_in_the_table(name: str) -> None:
    assert refusal((NASTY / name).read_bytes()) == REFUSED.get(name)


@pytest.mark.filterwarnings("ignore")  # Pillow's own, on the damaged EXIF it reads and we do not
@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED])
def test_photo_that_pillow_reads_has_the_same_upright_pixels(name: str) -> None:
    data = (NASTY / name).read_bytes()
    with Image.open(io.BytesIO(data)) as opened:
        upright = ImageOps.exif_transpose(opened)
        alpha = upright.convert("RGBA")
        white = Image.new("RGBA", alpha.size, "white")
        expected = np.asarray(Image.alpha_composite(white, alpha).convert("RGB"))
        if upright.mode == "CMYK":
            expected = np.asarray(upright.convert("RGB"))
    ours = decode(data)
    assert ours.pixels.flags.c_contiguous
    assert (ours.width, ours.height) == expected.shape[1::-1]
    difference = np.abs(ours.pixels.astype(np.int16) - expected.astype(np.int16))
    assert difference.max() <= 2, difference.max()


@pytest.mark.parametrize("code", [1, 3, 6, 8])
def test_exif_orientations_of_one_photo_give_one_upright_photo(code: int) -> None:
    first = decode((NASTY / "exif_orientation" / "Landscape_1.jpg").read_bytes()).pixels
    turned = decode((NASTY / "exif_orientation" / f"Landscape_{code}.jpg").read_bytes()).pixels
    assert turned.shape == first.shape
    assert (
        np.abs(turned.astype(np.int16) - first.astype(np.int16)).mean() < 6
    )  # saved as JPEG anew for each
