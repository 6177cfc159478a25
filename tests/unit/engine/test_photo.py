"""Encoded bytes become the upright photo, or an PhotoError; never something in between."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from haversack.engine.photo import decode, read_header
from haversack.errors import PhotoError
from haversack.packfile.manifest import InputGeometry


def shades(width: int = 93, height: int = 61) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 4 % 256, columns * 2 % 256, rows + columns], axis=2).astype(np.uint8)


def encode(pixels: NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, **options)
    return buffer.getvalue()


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[274] = orientation
    return block


FILES = {
    "jpeg": encode(shades(), format="JPEG"),
    "progressive": encode(shades(), format="JPEG", progressive=True),
    "png": encode(shades(), format="PNG"),
    "gif": encode(shades(), format="GIF"),
    "bmp": encode(shades(), format="BMP"),
    "tiff": encode(shades(), format="TIFF"),
    "tiff-lzw": encode(shades(), format="TIFF", compression="tiff_lzw"),
    "webp": encode(shades(), format="WEBP", lossless=True),
    "avif": encode(shades(), format="AVIF"),
}
WHOLE = {name: decode(data).pixels for name, data in FILES.items()}


def outcome(data: bytes) -> NDArray[np.uint8] | PhotoError:
    """The pixels, or the refusal; any other exception fails the test."""
    try:
        return decode(data).pixels
    except PhotoError as error:
        return error


def code_of(data: bytes, **options: Any) -> str:
    with pytest.raises(PhotoError) as caught:
        decode(data, **options)
    assert caught.value.message
    return caught.value.code


@pytest.mark.parametrize("name", FILES)
@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=60, deadline=None)
def test_cut_file_is_an_error_or_gives_the_whole_photo(name: str, share: float) -> None:
    data = FILES[name]
    found = outcome(data[: int(share * len(data))])
    if isinstance(found, PhotoError):
        # Of WebP and AVIF the first 12 bytes are needed to know them at all.
        unknown = {"image-type-unknown"} if int(share * len(data)) < 32 else set()
        assert found.code in {"image-empty", "image-truncated", "image-corrupt"} | unknown
    else:
        assert np.array_equal(found, WHOLE[name])


@pytest.mark.parametrize("name", FILES)
@given(place=st.floats(0, 1, exclude_max=True), level=st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_changed_byte_gives_a_photo_or_an_image_error(name: str, place: float, level: int) -> None:
    data = bytearray(FILES[name])
    data[int(place * len(data))] = level
    found = outcome(bytes(data))
    if isinstance(found, PhotoError):
        assert found.message
    else:
        assert found.shape[2] == 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_all_orientations_of_one_photo_give_the_same_upright_photo(
    format_name: str, orientation: int
) -> None:
    upright = shades(64, 32)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 100, "subsampling": 0},
        "WEBP": {"lossless": True},
    }
    data = encode(
        np.ascontiguousarray(stored),
        format=format_name,
        exif=exif(orientation),
        **options.get(format_name, {}),
    )
    image = decode(data)
    assert (image.width, image.height) == (64, 32)
    assert image.pixels.flags.c_contiguous
    assert np.abs(image.pixels.astype(int) - upright).max() <= (8 if format_name == "JPEG" else 0)


def test_sixteen_bit_gray_png_is_scaled_by_full_range_and_never_clipped() -> None:
    deep = np.array([[0, 128, 129, 32768, 65535]], dtype=np.uint16)
    assert decode(encode(deep, format="PNG")).pixels[0, :, 0].tolist() == [0, 0, 1, 128, 255]


def test_alpha_lies_over_white() -> None:
    pixels = np.array([[[0, 100, 200, 0], [0, 100, 200, 255], [0, 0, 0, 128]]], dtype=np.uint8)
    found = decode(encode(pixels, format="PNG")).pixels[0].tolist()
    assert found == [[255, 255, 255], [0, 100, 200], [127, 127, 127]]


@pytest.mark.parametrize(
    ("geometry", "width", "height", "shrink"),
    [
        ("letterbox", 800, 400, 2),
        ("stretch", 800, 400, 1),
        ("stretch", 800, 800, 2),
        ("crop", 1600, 800, 2),
        ("letterbox", 3200, 1, 8),
        ("letterbox", 799, 100, 1),
    ],
)
def test_baseline_jpeg_is_shrunk_to_four_times_the_input_at_least(
    geometry: Any, width: int, height: int, shrink: int
) -> None:
    target = InputGeometry(width=100, height=100, geometry=geometry)
    image = decode(encode(shades(width, height), format="JPEG"), target=target)
    assert image.shrink == shrink
    assert image.pixels.shape == (-(-height // shrink), -(-width // shrink), 3)
    assert (image.width, image.height) == (width, height)
    progressive = encode(shades(width, height), format="JPEG", progressive=True)
    assert decode(progressive, target=target).shrink == 1


def test_jpeg_with_junk_between_segments_decodes_and_without_its_end_marker_too() -> None:
    data = FILES["jpeg"]
    assert np.array_equal(decode(data[:20] + b"junk" + data[20:]).pixels, WHOLE["jpeg"])
    assert np.array_equal(decode(data[:-2]).pixels, WHOLE["jpeg"])


def test_cut_jpeg_closed_with_an_end_marker_is_still_refused() -> None:
    for name in ("jpeg", "progressive"):
        cut = FILES[name][:-40] + b"\xff\xd9"
        assert code_of(cut) in ("image-truncated", "image-corrupt")


def test_damaged_exif_means_upright() -> None:
    data = FILES["jpeg"]
    app1 = b"\xff\xe1" + struct.pack(">H", 20) + b"Exif\0\0II*\0\xff\xff\xff\xff\0\0\0\0"
    assert read_header(data[:2] + app1 + data[2:]).orientation == 1


def png_bomb(side: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        crc = struct.pack(">L", zlib.crc32(name + content))
        return struct.pack(">L", len(content)) + name + content + crc

    ihdr = chunk(b"IHDR", struct.pack(">LLBBBBB", side, side, 8, 2, 0, 0, 0))
    idat = chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
    return b"\x89PNG\r\n\x1a\n" + ihdr + idat + chunk(b"IEND", b"")


def test_photo_over_the_limit_is_refused_by_its_header() -> None:
    gif = (
        b"GIF89a"
        + struct.pack("<HHBBB", 65000, 65000, 0, 0, 0)
        + b","
        + struct.pack("<4H", 0, 0, 65000, 65000)
    )
    webp = b"RIFF\0\0\0\0WEBPVP8X" + struct.pack("<LL", 10, 0) + b"\xfe\x3f\0\xfe\x3f\0"
    tiff = b"II*\0\x08\0\0\0\x02\0" + struct.pack(
        "<HHLLHHLLL", 256, 4, 1, 100000, 257, 4, 1, 100000, 0
    )
    frame = b"\xff\xc0\0\x11\x08" + struct.pack(">HH", 10000, 10000)
    jpeg = b"\xff\xd8" + frame + b"\3\1\x22\0\2\x11\0\3\x11\0\xff\xda\0\x0c\3\1\0\2\0\3\0\0\x3f\0"
    for bomb in (png_bomb(20000), gif, webp, tiff, jpeg):
        assert code_of(bomb) == "image-too-large"


def test_too_large_names_the_limit_and_the_option() -> None:
    with pytest.raises(PhotoError, match=r"of memory.*estimated.*the limit is 1 MiB") as caught:
        decode(FILES["png"], limit_bytes=1 << 20)
    assert "--decode-limit" in caught.value.hint
    assert "HAVERSACK_DECODE_LIMIT" in caught.value.hint


def test_bytes_of_no_photo_are_refused_by_kind() -> None:
    assert code_of(b"") == "image-empty"
    assert code_of(b"%PDF-1.7 and more") == "image-type-unknown"
    assert code_of(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic") == "image-type-unknown"
    assert code_of(encode(np.ones((4, 4), np.uint16), format="TIFF")) == "image-mode-unsupported"
    assert code_of(encode(np.ones((4, 4), np.float32), format="TIFF")) == "image-mode-unsupported"
