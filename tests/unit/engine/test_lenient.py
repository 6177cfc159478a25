"""Of a photo cut short, what is called real is what the whole photo shows there."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from haversack.engine.codecs.lenient import decode_partly
from haversack.engine.photo import decode, read_header
from haversack.errors import PhotoError
from haversack.samples.scenes import draw_scene


@pytest.fixture(scope="module")
def scene() -> NDArray[np.uint8]:
    return draw_scene(1, width=400, height=300).pixels


def encoded(pixels: NDArray[np.uint8], **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = orientation
    return exif


@pytest.mark.parametrize("share", [0.2, 0.55, 0.9])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["4:4:4", "4:2:0", "PNG"])
def test_the_real_part_equals_the_whole_photo(
    scene: NDArray[np.uint8], kind: str, orientation: int, share: float
) -> None:
    options = {"format": "PNG"} if kind == "PNG" else {"format": "JPEG", "subsampling": kind}
    whole = encoded(scene, exif=turned(orientation), **options)
    short = whole[: int(len(whole) * share)]
    with pytest.raises(PhotoError) as caught:
        decode(short)
    assert caught.value.code == "image-truncated"
    found = decode_partly(short, read_header(short))
    assert found is not None
    expected = decode(whole).pixels
    assert found.pixels.shape == expected.shape
    left, top, right, bottom = found.valid
    inner = (slice(top + 1, bottom - 1), slice(left + 1, right - 1))
    assert (found.pixels[inner] == expected[inner]).all()
    # Careful, but not wasteful: bytes and rows go together.
    assert 0.5 * share < found.valid_rows / 300 < share + 0.15
    assert (right - left) * (bottom - top) == found.valid_rows * 400


def test_what_cannot_be_told_apart_from_filling_is_not_called_real(
    scene: NDArray[np.uint8],
) -> None:
    progressive = encoded(scene, format="JPEG", progressive=True)
    short = progressive[: len(progressive) // 2]
    assert decode_partly(short, read_header(short)) is None
    tiff = encoded(scene, format="TIFF")
    assert decode_partly(tiff, read_header(tiff)) is None
    stub = encoded(scene, format="PNG")[:60]
    assert decode_partly(stub, read_header(stub)) is None
