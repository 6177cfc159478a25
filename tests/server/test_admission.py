"""More is asked than can be done: who is turned away is told when to come again."""

from __future__ import annotations

import base64
import io
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from tests.server.running import BLOBS, PHOTO, Server, serving


@pytest.fixture(scope="module")
def photo() -> bytes:
    """A JPEG of 12 megapixels, which takes a while."""
    shades = np.random.default_rng(7).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(shades).resize((4000, 3000)).save(buffer, "JPEG", progressive=True)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    words = (BLOBS, "--queue", "2", "--wait", "0.5")
    with serving(tmp_path_factory.mktemp("narrow"), *words) as server:
        yield server


def all_at_once(count: int, ask: Callable[[], httpx.Response]) -> list[httpx.Response]:
    with ThreadPoolExecutor(count) as pool:
        return [one.result() for one in [pool.submit(ask) for _ in range(count)]]


def test_who_finds_no_seat_is_told_when_to_come_again(narrow: Server, photo: bytes) -> None:
    answers = all_at_once(12, lambda: narrow.post("/predict/blobs", content=photo))
    told = Counter(answer.status_code for answer in answers)
    assert set(told) == {200, 429}
    for answer in answers:
        if answer.status_code == 429:
            assert answer.headers["retry-after"].isdigit()
            assert 1 <= int(answer.headers["retry-after"]) <= 300
            assert answer.json()["code"] == "too-busy"
            assert "--queue" in answer.json()["hint"] or "--wait" in answer.json()["hint"]
    assert narrow.post("/predict/blobs", content=photo).status_code == 200
    refused = f"haversack_requests_refused_total {float(told[429])}"
    assert refused in narrow.get("/metrics").text
    assert "haversack_requests_in_house 0.0" in narrow.get("/metrics").text


def test_every_protocol_turns_away_alike(narrow: Server, photo: bytes) -> None:
    encoded = base64.b64encode(photo).decode()
    v1 = {"instances": [{"b64": encoded}]}
    v2 = {"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": [encoded]}]}
    for path, body in (("/v1/models/blobs:predict", v1), ("/v2/models/blobs/infer", v2)):
        answers = all_at_once(8, lambda p=path, b=body: narrow.post(p, json=b))  # type: ignore[misc]
        assert {answer.status_code for answer in answers} == {200, 429}


def test_a_probe_needs_no_seat(narrow: Server, photo: bytes) -> None:
    with ThreadPoolExecutor(6) as pool:
        work = [pool.submit(narrow.post, "/predict/blobs", content=photo) for _ in range(6)]
        for path in ("/v2/health/ready", "/healthz", "/metrics"):
            assert narrow.get(path).status_code == 200
        assert {one.result().status_code for one in work} <= {200, 429}


def test_a_deadline_that_passes_is_504(tmp_path: Path) -> None:
    encoded = base64.b64encode(PHOTO.read_bytes()).decode()
    body = {"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": [encoded]}]}
    hasty, stop = body | {"parameters": {"timeout": 1}}, threading.Event()
    others: Counter[int] = Counter()
    with serving(tmp_path, BLOBS) as server, ThreadPoolExecutor(6) as pool:

        def keep_busy() -> None:
            while not stop.is_set():
                answer = server.post("/v2/models/blobs/infer", json=body)
                others[answer.status_code] += 1

        work = [pool.submit(keep_busy) for _ in range(6)]
        seen: Counter[int] = Counter()
        for _ in range(100):
            answer = server.post("/v2/models/blobs/infer", json=hasty)
            seen[answer.status_code] += 1
            if answer.status_code == 504:
                break
        stop.set()
        for one in work:
            one.result()
    assert answer.json()["code"] == "deadline-passed"
    assert set(seen) <= {200, 504}
    assert set(others) == {200}
