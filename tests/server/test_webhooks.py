"""Somebody is told when a job has ended: a real server, and a real receiver beside it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.server.running import BLOBS, PHOTO, Server, refused, serving
from tests.server.test_jobs import ended, eventually, submit

SECRET = b"k" * 32
LOCAL = ("--webhook-to", "127.0.0.1")


class Receiver:
    """Keeps what it is sent; answers with what is in `answers`, and then with 204."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append((self.path, headers, body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("Location", f"{receiver.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("secret") / "secret"
    file.write_text(f"whsec_{base64.b64encode(SECRET).decode()}")
    file.chmod(0o600)
    return file


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, secret: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("hooks")
    with serving(folder, BLOBS, "--webhook-secret", secret, *LOCAL) as running:
        yield running


def test_the_end_of_a_job_is_told_once_and_signed(server: Server, receiver: Receiver) -> None:
    address = submit(server, f"/jobs/blobs?webhook={receiver.url}/hook?who=me")
    eventually(lambda: receiver.received)
    ((path, headers, body),) = receiver.received
    assert path == "/hook?who=me"
    job = ended(server, address)
    event = json.loads(body)
    assert (event["type"], event["timestamp"]) == ("job.done", job["finished"])
    assert event["data"]["id"] == job["id"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(SECRET, signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert headers["webhook-id"].startswith(job["id"])
    told = eventually(lambda: _told(server, address, "delivered"))
    assert told == {"state": "delivered", "attempts": 0, "error": ""}
    assert len(receiver.received) == 1


def _told(server: Server, address: str, state: str) -> dict[str, Any] | None:
    told: dict[str, Any] = server.get(address).json()["webhook"]
    return told if told["state"] == state else None


def test_a_photo_that_cannot_be_read_and_a_cancelled_job_are_told_too(
    server: Server, receiver: Receiver
) -> None:
    submit(server, f"/jobs/blobs?webhook={receiver.url}", content=b"no photo")
    eventually(lambda: receiver.received)
    (event,) = receiver.events()
    assert (event["type"], event["data"]["error"]["code"]) == ("job.failed", "image-type-unknown")


def test_a_receiver_that_is_in_trouble_is_told_again_with_the_same_id(
    server: Server, receiver: Receiver
) -> None:
    receiver.answers = [500]
    submit(server, f"/jobs/blobs?webhook={receiver.url}")
    eventually(lambda: len(receiver.received) == 2)
    first, second = (headers for _, headers, _ in receiver.received)
    assert first["webhook-id"] == second["webhook-id"]


def test_no_redirect_is_followed(server: Server, receiver: Receiver) -> None:
    receiver.answers = [307, 307, 307]
    address = submit(server, f"/jobs/blobs?webhook={receiver.url}")
    eventually(lambda: receiver.received)
    told = eventually(lambda: server.get(address).json()["webhook"]["error"])
    assert "307" in told
    assert "/elsewhere" not in {path for path, _, _ in receiver.received}


def test_a_receiver_that_is_gone_for_good_is_told_no_more(
    server: Server, receiver: Receiver
) -> None:
    receiver.answers = [410]
    address = submit(server, f"/jobs/blobs?webhook={receiver.url}")
    assert "410" in eventually(lambda: _told(server, address, "given-up"))["error"]


def test_an_address_of_ones_own_network_is_refused_at_once(tmp_path: Path, secret: Path) -> None:
    with serving(tmp_path, BLOBS, "--webhook-secret", secret) as server:
        for url in ("http://127.0.0.1/", "http://10.0.0.1/", "gopher://example.org", "x"):
            answer = server.post("/jobs/blobs", params={"webhook": url}, content=PHOTO.read_bytes())
            assert (answer.status_code, answer.json()["code"]) == (400, "webhook-refused")
        address = submit(
            server, "/jobs/blobs?webhook=http://localhost:9/"
        )  # a name of this machine
        told = eventually(lambda: server.get(address).json()["webhook"]["error"])
        assert "no address of the open internet" in told


def test_without_a_secret_nobody_is_told(tmp_path: Path) -> None:
    with serving(tmp_path, BLOBS) as server:
        answer = server.post("/jobs/blobs?webhook=https://example.org/", content=PHOTO.read_bytes())
        assert (answer.status_code, answer.json()["code"]) == (400, "webhook-off")
        assert server.get("/jobs").json()["jobs"] == []
    assert "--webhook-to needs --webhook-secret" in refused(tmp_path, BLOBS, *LOCAL).stderr


@pytest.mark.slow
def test_a_job_that_ended_while_the_server_was_away_is_told_when_it_is_back(
    tmp_path: Path, secret: Path, receiver: Receiver
) -> None:
    words = (BLOBS, "--webhook-secret", secret, *LOCAL, "--state", tmp_path / "state")
    receiver.answers = [503] * 1
    with serving(tmp_path, *words) as server:
        submit(server, f"/jobs/blobs?webhook={receiver.url}")
        eventually(lambda: receiver.received)
        server.process.kill()
        server.process.wait()
    with serving(tmp_path, *words):
        eventually(lambda: len(receiver.received) == 2, 90)
    assert {event["type"] for event in receiver.events()} == {"job.done"}
