"""Packs come and go while requests are answered."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import onnx.parser
import pytest
from PIL import Image
from tests.server.running import Server, imported, serving
from tests.unit.packfile.conftest import write_tiny

CALLERS = 8


def small_photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20), (10, 20, 30)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    write_tiny(tmp_path / "packs" / "tiny" / "1")
    return tmp_path / "packs"


def publish(repository: Path, version: str) -> None:
    """As `haversack pack add` does: whole, in one step."""
    write_tiny(repository / "staging", version)
    (repository / "staging").rename(repository / "tiny" / version)


@contextlib.contextmanager
def load_on(server: Server, path: str) -> Iterator[Counter[tuple[int, str]]]:
    """Eight callers that post photos until the block ends; counts (status, version)."""
    seen: Counter[tuple[int, str]] = Counter()
    lock, stop, photo = threading.Lock(), threading.Event(), small_photo()

    def ask() -> None:
        with httpx.Client(base_url=server.url, timeout=60, verify=False) as client:
            while not stop.is_set():
                answer = client.post(path, content=photo)
                with lock:
                    seen[answer.status_code, answer.json().get("version", "")] += 1

    threads = [threading.Thread(target=ask) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def wait_for(seen: Counter[Any], what: tuple[Any, Any], more: int = 20) -> None:
    """Until that was seen so often more."""
    wanted = seen[what] + more
    for _ in range(500):
        if seen[what] >= wanted:
            return
        time.sleep(0.02)
    raise AssertionError(f"{what} was not seen: {seen}")


def test_a_switch_under_load_fails_no_request(tmp_path: Path, repository: Path) -> None:
    with serving(tmp_path, repository) as server, load_on(server, "/predict/tiny") as seen:
        wait_for(seen, (200, "1"))
        for version in ("2", "3"):
            publish(repository, version)
            answer = server.post("/v2/repository/models/tiny/load")
            assert (answer.status_code, answer.content) == (200, b"")
            wait_for(seen, (200, version))
        metadata = server.get("/v2/models/tiny").json()
        assert metadata["versions"] == ["3"]
    assert set(seen) == {(200, "1"), (200, "2"), (200, "3")}


NUMBER = """<ir_version: 8, opset_import: ["" : 17]>
number (float[N, 4] rows) => (float[N, 4] version)
<float[1] own = {%s.0}>
{
    none = Sub(rows, rows)
    version = Add(none, own)
}
"""
VERSIONS = ("1", "2", "3", "4", "5")


def number_packs(folder: Path) -> Path:
    """Versions of a pack, each of which answers with its own number."""
    for version in VERSIONS:
        model = folder / "number.onnx"
        onnx.save(onnx.parser.parse_model(NUMBER % version), model)
        plain = ("--head", "none", "--geometry", "none")
        imported(folder, model, "number", *plain, "--as", version)
    return folder / "number"


def test_an_answer_names_the_version_that_gave_it(tmp_path: Path) -> None:
    packs, repository = number_packs(tmp_path), tmp_path / "packs"
    (repository / "number").mkdir(parents=True)
    (packs / "1").rename(repository / "number" / "1")
    # So much JSON is read on another thread: meanwhile the version may change.
    rows = {"name": "rows", "shape": [20_000, 4], "datatype": "FP32", "data": [0] * 80_000}
    body, stop, seen = json.dumps({"inputs": [rows]}), threading.Event(), Counter[Any]()

    def ask(server: Server) -> None:
        while not stop.is_set():
            answer = server.post("/v2/models/number/infer", content=body).json()
            seen[answer["model_version"], answer["outputs"][0]["data"][0]] += 1

    with serving(tmp_path, repository) as server:
        threads = [threading.Thread(target=ask, args=(server,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for version in VERSIONS[1:]:
            time.sleep(0.2)
            (packs / version).rename(repository / "number" / version)
            assert server.post("/v2/repository/models/number/load").status_code == 200
        wait_for(seen, ("5", 5.0), more=3)
        stop.set()
        for thread in threads:
            thread.join()
    assert {(version, float(version)) for version, _ in seen} == set(seen)


def test_unloading_under_load_gives_answers_or_404(tmp_path: Path, repository: Path) -> None:
    with serving(tmp_path, repository) as server, load_on(server, "/predict/tiny") as seen:
        for _ in range(3):
            wait_for(seen, (200, "1"))
            assert server.post("/v2/repository/models/tiny/unload").status_code == 200
            wait_for(seen, (404, ""))
            assert server.get("/v2/models/tiny/ready").status_code == 404
            assert server.post("/v2/repository/models/tiny/load").status_code == 200
        wait_for(seen, (200, "1"))
    assert set(seen) == {(200, "1"), (404, "")}


def test_a_version_that_does_not_open_leaves_the_old_one_answering(
    tmp_path: Path, repository: Path
) -> None:
    with serving(tmp_path, repository) as server, load_on(server, "/predict/tiny") as seen:
        publish(repository, "2")
        (repository / "tiny" / "2" / "model.onnx").write_bytes(b"broken")
        answer = server.post("/v2/repository/models/tiny/load")
        assert answer.status_code == 400
        assert answer.json()["error"]
        rows = {row["version"]: row for row in server.post("/v2/repository/index").json()}
        assert rows["1"]["state"] == "READY"
        assert rows["2"]["state"] == "UNAVAILABLE"
        assert rows["2"]["reason"]
        wait_for(seen, (200, "1"))
    assert set(seen) == {(200, "1")}


def test_a_pack_that_is_not_loaded_is_only_a_name_in_the_index(
    tmp_path: Path, repository: Path
) -> None:
    with serving(tmp_path, repository) as server:
        publish(repository, "2")
        index = server.post("/v2/repository/index").json()
        rows = [row for row in index if row["name"] == "tiny"]
        assert rows == [
            {"name": "tiny", "version": "1", "state": "READY", "reason": ""},
            {"name": "tiny", "version": "2"},
        ]
        ready = server.post("/v2/repository/index", json={"ready": True}).json()
        assert ready == rows[:1]
