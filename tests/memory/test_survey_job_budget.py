"""A survey beside requests, in a server in a control group: both are done, and it is not killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.memory.capped import Capped, capped_server, draw_jpeg
from tests.memory.test_server_budget import check, send_all, status
from tests.server.running import imported

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="memory is capped and read as Linux does"
)
LIMIT_BYTES = 512 << 20
MEGAPIXELS = (12, 16, 24)


def ask(server: Capped, method: str, path: str, **options: Any) -> dict[str, Any]:
    answer = httpx.request(method, server.url + path, timeout=120, verify=False, **options)
    assert answer.status_code < 300, answer.text
    found: dict[str, Any] = answer.json()
    return found


def begun(server: Capped, photos: list[bytes]) -> str:
    """The address of a survey of them."""
    upload = ask(server, "POST", "/uploads")["id"]
    for number, photo in enumerate(photos):
        ask(server, "POST", f"/uploads/{upload}?name={number}.jpg", content=photo)
    job = ask(server, "POST", f"/jobs/fastestdet?upload={upload}&tile=1200&overlap=100")
    return str(job["links"]["self"])


@pytest.mark.slow
def test_a_survey_and_requests_share_512_mb(tmp_path: Path, shared_data: Path) -> None:
    model = shared_data / "models" / "detect" / "FastestDet.onnx"
    pack = imported(tmp_path, model, "fastestdet", "--preset", "fastestdet")
    photos = [draw_jpeg(size, seed) for seed, size in enumerate(MEGAPIXELS)]
    with capped_server(tmp_path, LIMIT_BYTES, pack) as server:
        address = begun(server, photos * 4)
        answered = 0
        while (job := ask(server, "GET", address))["state"] in ("queued", "running"):
            told = send_all(server, "fastestdet", photos, 8)
            check(server, told)
            answered += sum(answer.status_code == 200 for answer in told.answers)
        assert job["state"] == "done", job["error"]
        result = ask(server, "GET", f"{address}/result")
        assert result["photos"] == {"done": 12}, result["problems"]
        assert answered, "requests were answered meanwhile"
        time.sleep(1.5)  # what is free is given back each second
        memory = status(server)["memory"]
        assert memory["photos"]["in_use_bytes"] == memory["calls"]["in_use_bytes"] == 0
        assert server.private_bytes() <= memory["budget_bytes"]
