"""The page's pure modules, run in the browser against what Python says."""

from __future__ import annotations

import base64
import io
import shlex
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from haversack.formats.overlay import PALETTE


@pytest.fixture(scope="module")
def page(browser: Browser, keyed_server: str) -> Iterator[Page]:
    """One for all: these modules keep nothing. They need no models, nor the page's own start."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{keyed_server}/static/favicon.svg")
        yield page


def call(page: Page, module: str, code: str, value: object = None) -> Any:
    script = f"async (value) => {{ const m = await import('/static/{module}'); return {code}; }}"
    return page.evaluate(script, value)


def test_colours_are_those_of_the_drawn_photos(page: Page) -> None:
    assert call(page, "palette.js", "m.PALETTE") == [list(colour) for colour in PALETTE]


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize("kind", ["noise", "flat", "slope"])
def test_gray_pngs_are_read_to_the_exact_level(page: Page, level: int, kind: str) -> None:
    rows, columns = np.mgrid[0:37, 0:53]
    photos = {
        "noise": np.random.Generator(np.random.PCG64(1)).integers(0, 256, (37, 53)),
        "flat": rows * 0 + 7,
        "slope": rows * 3 + columns * 2,
    }
    levels = photos[kind].astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, format="PNG", compress_level=level)
    code = "m.readGrayPng(value).then((map) => [map.width, map.height, [...map.classIds]])"
    found = call(page, "png.js", code, base64.b64encode(buffer.getvalue()).decode())
    assert found == [53, 37, levels.reshape(-1).tolist()]


def test_every_png_filter_is_undone(page: Page) -> None:
    """Pillow chooses filters by itself: this row-by-row file has each of the five."""
    levels = np.random.Generator(np.random.PCG64(2)).integers(0, 256, (5, 16)).astype(np.uint8)
    png = base64.b64encode(_png(levels, filters=[0, 1, 2, 3, 4])).decode()
    code = "m.readGrayPng(value).then((map) => [...map.classIds])"
    assert call(page, "png.js", code, png) == levels.reshape(-1).tolist()


def test_surer_boxes_have_thicker_lines(page: Page) -> None:
    widths = call(page, "boxes.js", "value.map((s) => m.lineWidth(s, 400, 5))", [0.1, 0.4, 0.7, 1])
    assert widths == sorted(set(widths))
    assert call(page, "boxes.js", "m.lineWidth(1, 8, 5)") == 2


def test_the_smallest_box_under_the_pointer_is_meant(page: Page) -> None:
    boxes = [
        {"label": "house", "class_id": 0, "score": 0.9, "box": [0, 0, 100, 100]},
        {"label": "door", "class_id": 1, "score": 0.5, "box": [40, 60, 60, 100]},
    ]
    code = "[[50, 80], [10, 10], [300, 0]].map(([x, y]) => m.boxAt(value, x, y)?.label ?? null)"
    assert call(page, "boxes.js", code, boxes) == ["door", "house", None]


def test_zooming_keeps_the_point_and_the_photos_edges(page: Page) -> None:
    code = """(() => {
        const [photo, stage] = [{ width: 1000, height: 500 }, { width: 500, height: 500 }];
        const fit = m.fitted(photo, stage);
        const near = m.zoomed(fit, 4, { x: 250, y: 250 }, photo, stage);
        const far = m.moved(near, 9999, -9999, photo, stage);
        return { fit, near, far, out: m.zoomed(near, 0.01, { x: 0, y: 0 }, photo, stage) };
    })()"""
    found = call(page, "view.js", code)
    assert found["fit"] == {"scale": 0.5, "x": 0, "y": 125}
    assert found["near"] == {"scale": 2, "x": -750, "y": -250}
    assert found["far"] == {"scale": 2, "x": 0, "y": -500}
    assert found["out"] == found["fit"]


@pytest.mark.parametrize("file", ["dog.jpg", "a b.jpg", "it's.jpg", "$(rm -rf).jpg", "a;b,c.jpg"])
def test_the_command_survives_a_shell(page: Page, file: str) -> None:
    asked = {
        "address": "http://here/predict/a",
        "file": file,
        "threshold": 0.4,
        "hasThreshold": True,
        "hasKey": True,
    }
    words = shlex.split(call(page, "curl.js", "m.curlCommand(value)", asked))
    named = f'image=@"{file}"' if ";" in file else f"image=@{file}"
    key = "Authorization: Bearer $KEY"
    assert words == ["curl", "-H", key, "-F", named, "http://here/predict/a?threshold=0.4"]


def _png(levels: np.ndarray[Any, np.dtype[np.uint8]], filters: list[int]) -> bytes:

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    rows = b"".join(
        bytes([kind]) + _filtered(levels, row, kind).tobytes() for row, kind in enumerate(filters)
    )
    header = struct.pack(">IIBBBBB", levels.shape[1], levels.shape[0], 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _filtered(
    levels: np.ndarray[Any, np.dtype[np.uint8]], row: int, kind: int
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    here = levels[row].astype(int)
    up = levels[row - 1].astype(int) if row else here * 0
    left, corner = np.concatenate([[0], here[:-1]]), np.concatenate([[0], up[:-1]])
    guess = left + up - corner
    by_left, by_up, by_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
    paeth = np.where(
        (by_left <= by_up) & (by_left <= by_corner),
        left,
        np.where(by_up <= by_corner, up, corner),
    )
    guesses = [here * 0, left, up, (left + up) // 2, paeth]
    return np.asarray((here - guesses[kind]) % 256, np.uint8)
