"""Whatever a file holds, its header costs a bounded number of steps and next to no memory."""

from __future__ import annotations

import struct
import sys
import time
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np
import pytest
from tests.unit.engine import hostile

from haversack.engine.codecs.iso_boxes import MOST_DESCRIBED
from haversack.engine.photo import decode, read_header
from haversack.errors import PhotoError
from haversack.geo.blocks import read_blocks

MIB = 1 << 20
MOST_LINES = 700_000
EMPTY = hostile.png_chunk(b"teXt")
# Each is a few megabytes, of pieces that hold nothing.
REFUSED = {
    "png": lambda: hostile.png(EMPTY * 200_000),
    "png behind its pixels": lambda: hostile.png(b"", EMPTY * 200_000),
    "jpeg": lambda: hostile.jpeg(b"\xff\xfe\0\2" * 500_000),
    "gif extensions": lambda: hostile.gif(b"!\xfe\0" * 500_000),
    "gif blocks": lambda: hostile.gif(b"!\xfe" + b"\1a" * 1_000_000 + b"\0"),
    "webp": lambda: hostile.webp(b"ABCD\0\0\0\0" * 300_000),
    "avif boxes": lambda: hostile.avif() + hostile.box(b"free", b"") * 300_000,
    "avif items": lambda: hostile.avif_items(5000),
    "avif extents": lambda: hostile.avif_extents(60_000),
    "avif references": lambda: hostile.avif_references(60_000),
    "avif properties": lambda: hostile.avif_properties(5000),
}
READ = {
    "jpeg fill": lambda: hostile.jpeg(b"\xff" * 3 * MIB),
    "jpeg junk": lambda: hostile.jpeg(b"\xff\0" * MIB),
    "jpeg in one scan, full of marks of scans": lambda: hostile.photo("JPEG") + b"\xff\xda" * MIB,
}


class Lines:
    """Counts the lines of Python that are run, and ends the test where they are too many."""

    def __init__(self) -> None:
        self.run = 0

    def _count(self, frame: FrameType, event: str, _: Any) -> Any:
        self.run += event == "line"
        assert self.run < MOST_LINES, "it does not end"
        return self._count

    def __enter__(self) -> Lines:
        self._before = sys.gettrace()
        sys.settrace(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)


def grown_bytes(work: Callable[[], object]) -> int:
    """How much memory it took at most, beyond what was held before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def outcome(work: Callable[[], object]) -> str:
    try:
        work()
    except PhotoError as error:
        return error.code
    return "read"


@pytest.mark.parametrize("kind", REFUSED)
def test_millions_of_empty_pieces_are_refused_after_a_few(kind: str) -> None:
    data = REFUSED[kind]()
    read_header(hostile.avif())  # Pillow's part for it is imported by now
    with Lines():
        assert outcome(lambda: read_header(data)) == "image-corrupt"
    assert grown_bytes(lambda: outcome(lambda: read_header(data))) < MIB


@pytest.mark.parametrize("kind", READ)
def test_bytes_that_are_no_pieces_are_skipped_in_few_steps(kind: str) -> None:
    data = READ[kind]()
    with Lines() as lines:
        assert outcome(lambda: read_header(data)) == "read"
    assert lines.run < 10_000
    assert grown_bytes(lambda: read_header(data)) < MIB


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_the_camera_is_asked_within_the_same_bounds(kind: str) -> None:
    data = REFUSED[kind]()
    with Lines():
        read_blocks(data)
    assert grown_bytes(lambda: read_blocks(data)) < MIB


def test_large_pieces_are_neither_kept_nor_copied() -> None:
    pixels = hostile.png_chunk(b"IDAT", bytes(MIB)) * 8
    exif = hostile.png_chunk(b"eXIf", hostile.orientation(6)[6:].ljust(4 * MIB, b"\0"))
    data = hostile.png(pixels, exif)
    assert read_header(data).orientation == 6
    assert grown_bytes(lambda: read_header(data)) < MIB // 8
    view = memoryview(data)
    assert grown_bytes(lambda: read_header(view)) < MIB // 8
    webp = hostile.webp(b"ICCP" + struct.pack("<L", 4 * MIB) + bytes(4 * MIB))
    assert read_header(webp).orientation == 6
    assert grown_bytes(lambda: read_header(webp)) < MIB // 8


def test_four_thousand_small_pieces_are_a_photo() -> None:
    tiny = hostile.png(EMPTY * 4000, idat_bytes=1)
    assert decode(tiny).pixels.shape == (8, 8, 3)
    assert decode(hostile.jpeg(b"\xff\xfe\0\2" * 4000)).pixels.shape == (8, 16, 3)
    assert decode(hostile.gif(b"!\xfe\0" * 4000)).pixels.shape == (8, 16, 3)


def test_large_pieces_may_be_many() -> None:
    data = hostile.png(hostile.png_chunk(b"teXt", bytes(1024)) * 5000)
    assert decode(data).pixels.shape == (8, 8, 3)


@pytest.mark.parametrize("tied", [False, True])
def test_an_avif_of_a_thousand_tiles_is_a_photo(tied: bool) -> None:
    found = decode(hostile.avif_grid(25, 40, tied=tied)).pixels
    assert found.shape == (1600, 2560, 3)
    assert abs(found.astype(np.int16) - np.array((0, 128, 128), np.int16)).max() <= 2


@pytest.mark.parametrize(
    "behind",
    [
        *(struct.pack(">L", length) + b"abcdefgh" for length in range(2, 8)),
        *(struct.pack(">L", 1) + b"abcdefghijkl"[:count] for count in (4, 7, 11)),
        b"\0\0\0\1free" + struct.pack(">Q", 7),
        b"abc",
    ],
)
def test_bytes_behind_the_last_box_of_an_avif_are_passed_over(behind: bytes) -> None:
    assert decode(hostile.avif() + behind).pixels.shape == (8, 16, 3)


def test_a_box_without_room_for_its_head_is_an_error_within_the_description() -> None:
    data = hostile.avif(added=struct.pack(">L4s", 3, b"free"))
    assert outcome(lambda: read_header(data)) == "image-corrupt"


def test_what_libavif_is_given_at_most_takes_it_no_second() -> None:
    data = hostile.avif_tables(MOST_DESCRIBED - 1)
    started = time.thread_time()
    assert outcome(lambda: read_header(data)) == "read"
    assert time.thread_time() - started < 2, "0.35 s were measured on 2 vCPU"
    more = hostile.avif_tables(MOST_DESCRIBED + 1)
    assert outcome(lambda: read_header(more)) == "image-corrupt"


def test_a_packet_of_xmp_in_a_gif_is_passed_over() -> None:
    packet = b"<x:xmpmeta>" + b" " * 500_000 + b"</x:xmpmeta>"
    trailer = bytes([1, *range(255, -1, -1), 0])
    data = hostile.gif(b"!\xff\x0bXMP DataXMP" + packet + trailer)
    assert decode(data).pixels.shape == (8, 16, 3)


def test_a_gif_is_opened_without_its_comments() -> None:
    data = hostile.gif(b"!\xfe" + b"\1a" * 60_000 + b"\0")
    decode(data)
    assert grown_bytes(lambda: decode(data)) < MIB


def test_a_tiff_opens_with_as_many_strips_as_it_has() -> None:
    data = hostile.tiff(500_000)
    expected = decode(hostile.tiff(1)).pixels
    assert (decode(data).pixels == expected).all()
    assert grown_bytes(lambda: decode(data)) < MIB


def test_strips_of_one_row_are_part_of_the_estimate() -> None:
    few, many = hostile.tiff(1), hostile.tiff(8)
    place = many.index(struct.pack("<HHL", 278, 4, 1)) + 8
    rows = many[:place] + struct.pack("<L", 1) + many[place + 4 :]
    assert read_header(rows).estimate_bytes() > read_header(few).estimate_bytes()


def test_a_table_longer_than_any_palette_is_not_read() -> None:
    data = hostile.png(hostile.png_chunk(b"tRNS", bytes(4 * MIB)))
    assert decode(data).pixels.shape == (8, 8, 3)
    assert grown_bytes(lambda: decode(data)) < MIB
