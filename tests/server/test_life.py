"""From the start of a server to its end."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from tests.server.running import (
    BLOBS,
    COMMAND,
    PHOTO,
    environment,
    refused,
    request_bytes,
    serving,
    whole_answer,
)
from tests.unit.packfile.conftest import write_tiny


def test_a_request_in_flight_is_answered_before_the_end(tmp_path: Path) -> None:
    with serving(tmp_path, BLOBS) as server:
        request = request_bytes(server, "/predict/blobs", PHOTO.read_bytes())
        with socket.create_connection(server.address, timeout=20) as connection:
            connection.sendall(request[:-100])
            time.sleep(0.3)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(1)
            assert server.process.poll() is None
            connection.sendall(request[-100:])
            answer = whole_answer(connection)
        assert answer.startswith(b"HTTP/1.1 200")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == "done"
        assert server.process.wait(20) == 0


def test_unfinished_bodies_are_told_of_the_end(tmp_path: Path) -> None:
    form = [("Content-Type", "multipart/form-data; boundary=a"), ("Content-Length", "9000")]
    photo = [("Content-Length", "9000")]
    with serving(tmp_path, BLOBS, "--wait", "1") as server, contextlib.ExitStack() as stack:
        connections = []
        for path, headers in (("/predict/blobs", photo), ("/jobs/blobs", form)):
            begun = request_bytes(server, path, b"", headers) + b"--a\r\nContent-Disposition: form"
            connection = socket.create_connection(server.address, timeout=20)
            connections.append(stack.enter_context(connection))
            connection.sendall(begun)
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        for connection in connections:
            head, _, body = whole_answer(connection).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503")
            told = json.loads(body)
            assert told["code"] == "server-ending"
            assert f"x-request-id: {told['request_id']}".encode() in head
        assert server.process.wait(20) == 0
        assert "Traceback" not in server.said()
        assert "Exception" not in server.said()


def test_many_requests_in_flight_are_answered_before_the_end(tmp_path: Path) -> None:
    photo, statuses = PHOTO.read_bytes(), []
    with serving(tmp_path, BLOBS) as server:
        waiting = threading.Barrier(7)

        def ask() -> None:
            with httpx.Client(base_url=server.url, timeout=60, verify=False) as client:
                client.get("/healthz")
                waiting.wait()
                statuses.append(client.post("/predict/blobs", content=photo).status_code)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        waiting.wait()
        while "requests_in_house 0.0" in server.get("/metrics").text and not statuses:
            pass
        server.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert server.process.wait(20) == 0
    assert set(statuses) == {200}


def test_ready_says_503_during_the_grace_while_requests_are_answered(tmp_path: Path) -> None:
    with serving(tmp_path, BLOBS, "--grace", "2") as server:
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        ready = server.get("/v2/health/ready")
        assert (ready.status_code, ready.json()) == (503, {"ready": False, "phase": "draining"})
        assert server.get("/healthz").status_code == 200
        assert server.post("/predict/blobs", content=PHOTO.read_bytes()).status_code == 200
        assert server.process.wait(20) == 0
        assert time.monotonic() - began >= 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_idle_server_ends_at_once_and_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with (
        serving(tmp_path, BLOBS) as server,
        httpx.Client(base_url=server.url, verify=False) as client,
    ):
        client.get("/healthz")  # a connection that is kept alive
        server.process.send_signal(number)
        assert server.process.wait(10) == 0
        assert "Traceback" not in server.said()


def test_until_it_is_warm_it_says_503(tmp_path: Path, tensor_packs: dict[str, Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [COMMAND, "serve", "--port", port, "--state", tmp_path / "state", BLOBS]
    process = subprocess.Popen(
        [str(word) for word in [*words, *tensor_packs.values()]],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    before: list[tuple[httpx.Response, httpx.Response]] = []
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, verify=False) as client:
            for _ in range(10_000):
                try:
                    # Asked before: it may become ready between the two.
                    photo = client.post("/predict/blobs", content=PHOTO.read_bytes())
                    ready = client.get("/v2/health/ready")
                except httpx.TransportError:
                    time.sleep(0.002)
                    continue
                if ready.status_code == 200:
                    break
                before.append((ready, photo))
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Haversack is ready at ")
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert before, "it was never asked while it loaded"
    for ready, photo in before:
        assert (ready.status_code, ready.json()) == (503, {"ready": False, "phase": "loading"})
        assert (photo.status_code, photo.json()["code"]) == (503, "not-ready")


def test_a_port_in_use_is_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = refused(tmp_path, BLOBS, "--port", str(port))
    assert done.returncode == 1
    assert f"port {port} of 127.0.0.1 is in use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("host", ["not-a-host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_a_sentence(tmp_path: Path, host: str) -> None:
    done = refused(tmp_path, BLOBS, "--host", host, "--no-auth")
    assert done.returncode in (1, 2)
    assert host in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pack_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    done = refused(tmp_path, tmp_path / "nothing")
    assert done.returncode == 2
    assert "nothing" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pack_that_is_named_must_open(tmp_path: Path) -> None:
    write_tiny(tmp_path / "broken")
    (tmp_path / "broken" / "model.onnx").write_bytes(b"broken")
    done = refused(tmp_path, BLOBS, tmp_path / "broken")
    assert done.returncode == 2
    assert "model.onnx" in done.stderr
    assert "Traceback" not in done.stderr
    assert "ready" not in done.stdout


def test_a_broken_pack_of_a_repository_is_only_warned_of(tmp_path: Path) -> None:
    repository = tmp_path / "packs"
    write_tiny(repository / "tiny" / "1")
    for version in ("1", "2"):
        write_tiny(repository / "tiny" / version, version)
    (repository / "tiny" / "2" / "model.onnx").write_bytes(b"broken")
    (repository / "other" / "1").mkdir(parents=True)
    (repository / "other" / "1" / "pack.toml").write_text("no toml [")
    with serving(tmp_path, BLOBS, repository) as server:
        assert server.get("/v1/models").json() == {"models": ["blobs"]}
        assert "is not served" in server.said()
        assert server.answers()


def test_without_a_pack_the_bundled_ones_are_served(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert [row["name"] for row in server.get("/packs").json()["packs"]] == ["blobs"]
        assert server.answers()


def test_a_server_whose_packs_are_all_unloaded_still_answers(tmp_path: Path) -> None:
    with serving(tmp_path, BLOBS) as server:
        assert server.post("/v2/repository/models/blobs/unload").status_code == 200
        assert server.get("/packs").json() == {"packs": []}
        assert server.get("/v2/models/stats").json() == {"model_stats": []}
        assert server.post("/predict/blobs", content=PHOTO.read_bytes()).status_code == 404
        assert "haversack_ready 1.0" in server.get("/metrics").text
        assert server.answers()


_A_THREAD_DIES = """
import socket, sys, threading
from pathlib import Path
from haversack.app.listening import run
from haversack.app.options import AppOptions

def die(models):
    threading.Thread(target=lambda: 1 / 0, name="webhooks").start()

options = AppOptions(packs=(Path(sys.argv[1]),), state=Path(sys.argv[2]))
run(options, socket.create_server(("127.0.0.1", 0)), die)
"""


def test_a_server_one_of_whose_threads_dies_ends_and_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _A_THREAD_DIES, str(BLOBS), str(tmp_path / "state")],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "the thread webhooks died, so the server ended" in done.stderr
