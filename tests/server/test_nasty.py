"""Hostile photos over HTTP: an answer or a sentence, within the memory that was promised."""

from __future__ import annotations

import gzip
import struct
import sys
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.server.running import BLOBS, PHOTO, Server, serving

from haversack.settings import DEFAULT_DECODE_LIMIT_BYTES

LIMIT_BYTES = DEFAULT_DECODE_LIMIT_BYTES

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="peak memory is read from /proc"
)


@pytest.fixture(scope="module")
def photos(shared_data: Path) -> list[Path]:
    found = sorted((shared_data / "images" / "nasty").rglob("*"))
    return [path for path in found if path.is_file() and path.suffix != ".json"]


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("bounded"), BLOBS) as server:
        server.post("/predict/blobs", content=PHOTO.read_bytes())
        yield server


def memory(server: Server, field: str) -> int:
    """VmRSS, or VmHWM: the most since `forget_peak`, in bytes."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) << 10
    raise AssertionError(field)


def forget_peak(server: Server) -> int:
    """What the idle server holds, from where the peak is counted again."""
    time.sleep(1.5)  # freed memory goes back once a second
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    return memory(server, "VmRSS")


def is_answered(answer: httpx.Response) -> bool:
    """A record, or a sentence that is the sender's to read."""
    told = answer.json()
    if answer.status_code == 200:
        return bool(told["status"] == "done")
    assert 400 <= answer.status_code < 500, answer.text
    return len(told["error"]) > 10 and bool(told["code"])


def test_every_nasty_file_is_answered_within_the_memory(
    bounded: Server, photos: list[Path]
) -> None:
    idle = forget_peak(bounded)
    told = {}
    for path in photos:
        answer = bounded.post("/predict/blobs", content=path.read_bytes())
        assert is_answered(answer), path
        told[path.name] = answer.status_code
    assert len(told) > 60
    assert set(told.values()) >= {200, 400, 415}
    assert memory(bounded, "VmHWM") <= idle + 2 * LIMIT_BYTES
    assert bounded.answers()
    assert "Traceback" not in bounded.said()


def test_a_photo_that_is_huge_by_its_header_is_413(bounded: Server) -> None:
    sizes = struct.pack(">II", 60_000, 60_000) + b"\x08\x02\0\0\0"
    chunk = b"IHDR" + sizes
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(sizes)) + chunk
    data += struct.pack(">I", zlib.crc32(chunk)) + b"\0" * 100
    idle = forget_peak(bounded)
    answer = bounded.post("/predict/blobs", content=data)
    assert answer.status_code == 413
    assert "60000 x 60000" in answer.json()["error"]
    assert "256 MiB" in answer.json()["error"]
    assert "--decode-limit" in answer.json()["hint"]
    assert memory(bounded, "VmHWM") <= idle + (32 << 20)


def loop_seconds(server: Server) -> float:
    """CPU time of the event loop's thread, which is the process's first."""
    path = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/schedstat")
    return int(path.read_text().split()[0]) / 1e9


def test_millions_of_empty_chunks_stop_neither_the_loop_nor_the_memory(bounded: Server) -> None:
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr))
    empty = struct.pack(">I4sI", 0, b"teXt", zlib.crc32(b"teXt"))
    packed = gzip.compress(head + empty * 3_000_000, 1)
    idle, began = forget_peak(bounded), loop_seconds(bounded)
    answer = bounded.post("/predict/blobs", content=packed, headers={"Content-Encoding": "gzip"})
    # Unpacking alone takes 0.1 s; walking the chunks took 1.7 s, and 500 MB.
    assert loop_seconds(bounded) - began < 0.8
    assert answer.status_code == 400
    assert answer.json()["code"] == "image-corrupt"
    assert "more than 4,096 chunks" in answer.json()["error"]
    assert memory(bounded, "VmHWM") <= idle + (100 << 20)


@pytest.mark.slow
def test_sixteen_nasty_files_at_once_are_answered_within_the_memory(
    bounded: Server, photos: list[Path]
) -> None:
    idle = forget_peak(bounded)

    def send(path: Path) -> bool:
        return is_answered(bounded.post("/predict/blobs", content=path.read_bytes()))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(send, photos))
    assert memory(bounded, "VmHWM") <= idle + 2 * LIMIT_BYTES
    assert bounded.answers()
    assert "haversack_memory_reserved_bytes 0.0" in bounded.get("/metrics").text


@pytest.mark.slow
def test_sixteen_large_photos_at_once_are_answered_within_the_memory(
    bounded: Server, shared_data: Path
) -> None:
    photo = (shared_data / "images" / "nasty" / "exif_orientation" / "Landscape_6.jpg").read_bytes()
    idle = forget_peak(bounded)
    with ThreadPoolExecutor(16) as pool:
        work = [pool.submit(bounded.post, "/predict/blobs", content=photo) for _ in range(32)]
        assert {one.result().status_code for one in work} == {200}
    assert memory(bounded, "VmHWM") <= idle + 2 * LIMIT_BYTES
    assert bounded.answers()
