"""A server in a control group is never killed, whatever is sent: it answers, or says why not."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from tests.memory.capped import Capped, capped_server, draw_jpeg
from tests.server.running import BLOBS, imported

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="memory is capped and read as Linux does"
)
SMALL = 300
LARGE = 64


@dataclass(frozen=True, kw_only=True)
class Told:
    """What callers were told, and the most that the server held of its own meanwhile."""

    answers: list[httpx.Response]
    most_bytes: int


@pytest.fixture(scope="module")
def large() -> list[bytes]:
    """JPEGs of 12 to 24 megapixels."""
    return [draw_jpeg(size, seed) for seed, size in enumerate((12, 16, 20, 24))]


@pytest.fixture(scope="module")
def dear() -> list[bytes]:
    """Photos that take much memory for their size: progressive, PNG, WebP; 6 megapixels."""
    noise = Image.effect_noise((3000, 2000), 50).convert("RGB")
    found = []
    for name, options in (("JPEG", {"progressive": True}), ("PNG", {"compress_level": 1})):
        buffer = io.BytesIO()
        noise.save(buffer, name, **options)
        found.append(buffer.getvalue())
    buffer = io.BytesIO()
    Image.new("RGB", (5000, 4000), (9, 99, 200)).save(buffer, "WEBP")
    return [*found, buffer.getvalue()]


@pytest.fixture(scope="module")
def fastestdet(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    model = shared_data / "models" / "detect" / "FastestDet.onnx"
    folder = tmp_path_factory.mktemp("fastestdet")
    return imported(folder, model, "fastestdet", "--preset", "fastestdet")


@pytest.fixture(scope="module")
def yolox(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    models = shared_data / "models" / "detect"
    names = models / "coco80.names"
    folder = tmp_path_factory.mktemp("yolox")
    return imported(
        folder, models / "yolox_nano.onnx", "yolox", "--preset", "yolox", "--labels", names
    )


def send_all(server: Capped, name: str, photos: Sequence[bytes], count: int) -> Told:
    """So many uploads at once."""
    most, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            most[0] = max(most[0], server.private_bytes())

    def one(number: int) -> httpx.Response:
        photo = photos[number % len(photos)]
        return httpx.post(f"{server.url}/predict/{name}", content=photo, timeout=120, verify=False)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(count) as pool:
            answers = list(pool.map(one, range(count)))
    finally:
        stop.set()
        watcher.join()
    return Told(answers=answers, most_bytes=most[0])


def check(server: Capped, told: Told) -> None:
    """Every answer is a result or a sentence, and the server is well and inside its budget."""
    for answer in told.answers:
        assert answer.status_code in (200, 413, 429), answer.text
        if answer.status_code != 200:
            assert answer.json()["error"]
            assert answer.json()["hint"]
        if answer.status_code == 429:
            assert answer.headers["retry-after"].isdigit()
    assert server.process.poll() is None
    assert server.kills() == 0
    assert told.most_bytes <= status(server)["memory"]["budget_bytes"]


def seen(told: Told) -> bool:
    """Whether every answer is a result."""
    return all(answer.status_code == 200 for answer in told.answers)


def status(server: Capped) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/status", timeout=30, verify=False).json()
    return found


def hold_out(server: Capped, name: str, photos: Sequence[Sequence[bytes]], small: bytes) -> None:
    for some in photos:
        # Dear photos may all be too dear; small ones after them must still be seen.
        check(server, send_all(server, name, some, LARGE))
        told = send_all(server, name, [small], SMALL)
        check(server, told)
        assert 200 in {answer.status_code for answer in told.answers}
    assert seen(send_all(server, name, photos[0], 1)), "a large photo alone is seen"
    time.sleep(1.5)  # what is free is given back each second
    memory = status(server)["memory"]
    assert memory["photos"]["in_use_bytes"] == 0
    assert memory["calls"]["in_use_bytes"] == 0


@pytest.mark.slow
def test_256_mb_hold_out_with_fastestdet(
    tmp_path: Path, fastestdet: Path, large: list[bytes], dear: list[bytes]
) -> None:
    with capped_server(tmp_path, 256 << 20, fastestdet) as server:
        assert status(server)["memory"]["said_by"] == server.said
        hold_out(server, "fastestdet", [large, dear], draw_jpeg(0.3))


@pytest.mark.slow
def test_512_mb_hold_out_with_yolox(
    tmp_path: Path, yolox: Path, large: list[bytes], dear: list[bytes]
) -> None:
    with capped_server(tmp_path, 512 << 20, yolox) as server:
        hold_out(server, "yolox", [large, dear], draw_jpeg(0.3))


@pytest.mark.parametrize(
    ("name", "limit_bytes"),
    [("fastestdet", 256 << 20), ("yolox", 512 << 20)],
)
@pytest.mark.slow
def test_memory_after_600_requests_is_that_after_100(
    tmp_path: Path, request: pytest.FixtureRequest, name: str, limit_bytes: int
) -> None:
    pack, photo = request.getfixturevalue(name), draw_jpeg(1.2)
    with (
        capped_server(tmp_path, limit_bytes, pack) as server,
        ThreadPoolExecutor(4) as pool,
        httpx.Client(base_url=server.url, timeout=60, verify=False) as client,
    ):

        def ask(number: int) -> int:
            return client.post(f"/predict/{name}", content=photo).status_code

        def rest_after(count: int) -> int:
            assert set(pool.map(ask, range(count))) == {200}
            time.sleep(2.5)
            return server.resident_bytes()

        early, late = rest_after(100), rest_after(500)
    assert late <= early * 1.10, f"{early >> 20} MB became {late >> 20} MB"


def test_a_group_too_small_is_refused_with_the_sum_before_the_system_kills(tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as told, capped_server(tmp_path, 160 << 20, BLOBS):
        raise KeyError("it started")
    assert "the server needs" in str(told.value)
    assert "by its control group" in str(told.value) or "--memory gives it" in str(told.value)
