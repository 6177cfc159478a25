"""GET /metrics after some requests, as Prometheus and Triton's boards read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.server.quick_blobs import QUICK_BLOBS
from tests.server.running import PHOTO, Server, serving
from tests.server.test_jobs import eventually


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Three photos were answered, and one refused."""
    folder: Path = tmp_path_factory.mktemp("asked")
    with serving(folder, QUICK_BLOBS, "--triton-metrics", "--log-requests") as server:
        for data in (PHOTO.read_bytes(),) * 3 + (b"%PDF",):
            server.post("/predict/blobs", content=data)
        yield server


def values(server: Server) -> dict[str, list[float]]:
    """Every sample by its name and, where there is one, its outcome."""
    answer = server.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: dict[str, list[float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            outcome = sample.labels.get("outcome", "")
            found.setdefault(f"{sample.name}{outcome}", []).append(sample.value)
    return found


def test_requests_are_counted_by_what_became_of_them(asked: Server) -> None:
    found = values(asked)
    assert found["haversack_ready"] == [1]
    assert found["haversack_inference_requests_totalsuccess"] == [3]
    assert found["haversack_inference_requests_totalfailure"] == [1]
    assert found["haversack_inferences_total"] == [3]
    assert found["haversack_inference_request_seconds_count"] == [3]
    assert found["haversack_inference_request_seconds_sum"][0] > 0
    assert found["haversack_requests_in_house"] == [0]
    assert found["haversack_memory_reserved_bytes"] == [0]
    assert found["haversack_resident_bytes"][0] > 10 << 20


def test_triton_boards_find_their_names(asked: Server) -> None:
    found = values(asked)
    assert found["nv_inference_request_success"] == [3]
    assert found["nv_inference_request_failure"] == [1]
    assert found["nv_inference_count"] == found["nv_inference_exec_count"] == [3]
    for name in ("request", "compute_input", "compute_infer"):
        assert found[f"nv_inference_{name}_duration_us"][0] > 0


def test_each_request_is_one_line_of_the_log(asked: Server) -> None:
    answer = asked.get("/v2", headers={"X-Request-Id": "find-me"})
    assert answer.status_code == 200
    # It is written after the answer went.
    (line,) = eventually(lambda: [one for one in asked.said().splitlines() if "find-me" in one])
    assert "GET /v2 200" in line
