"""Odd and slow connections: offers of other protocols, unfinished requests, what is no HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.running import BLOBS, PHOTO, Server, raw, request_bytes, serving, whole_answer

ROWS = {"name": "rows", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}
BINARY = json.dumps(
    {
        "inputs": [
            {k: v for k, v in ROWS.items() if k != "data"}
            | {"parameters": {"binary_data_size": 16}}
        ]
    }
).encode()
V2 = json.dumps({"inputs": [ROWS]}).encode()
FORM = (
    b'--a\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    + PHOTO.read_bytes()
    + b"\r\n--a--\r\n"
)
LATER = ("Prefer", "respond-async")
ROUTES: dict[str, tuple[str, bytes, list[tuple[str, str]], int, bytes]] = {
    "a photo": ("/predict/blobs", PHOTO.read_bytes(), [], 200, b"detections"),
    "a form": (
        "/predict/blobs",
        FORM,
        [("Content-Type", "multipart/form-data; boundary=a")],
        200,
        b"a.png",
    ),
    "V1": ("/v1/models/tiny:predict", b'{"instances": [[1,2,3,4]]}', [], 200, b"predictions"),
    "V2": ("/v2/models/tiny/infer", V2, [], 200, b"outputs"),
    "V2 binary": (
        "/v2/models/tiny/infer",
        BINARY + struct.pack("<4f", 1, 2, 3, 4),
        [("Inference-Header-Content-Length", str(len(BINARY)))],
        200,
        b"outputs",
    ),
    "a job": ("/jobs/blobs", PHOTO.read_bytes(), [], 202, b"queued"),
    "V2 as a job": ("/v2/models/tiny/infer", V2, [LATER], 202, b"queued"),
    "the index": ("/v2/repository/index", b'{"ready": tru}', [], 400, b"request-invalid"),
}
OFFERS = {
    "h2c": [
        ("Connection", "Upgrade, HTTP2-Settings"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
    ],
    "websocket": [("Connection", "Upgrade"), ("Upgrade", "websocket")],
}


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_a_request_that_offers_another_protocol_is_served_as_it_is(
    server: Server,
    route: tuple[str, bytes, list[tuple[str, str]], int, bytes],
    offer: list[tuple[str, str]],
) -> None:
    path, body, headers, status, word = route
    request = request_bytes(server, path, body, [*headers, *offer])
    head = request.index(b"\r\n\r\n") + 4
    with socket.create_connection(server.address, timeout=60) as connection:
        for cuts in ([], [head], [head, head + 5]):
            at = 0
            for cut in [*cuts, len(request)]:
                connection.sendall(request[at:cut])
                # What is sent is received by itself: the next request on the connection waits.
                if cut != len(request):
                    server.get("/livez")
                at = cut
            answer = whole_answer(connection)
            assert int(answer.split()[1]) == status, answer
            assert word in answer
        plain = request_bytes(server, "/v2/models/tiny/infer", V2)
        connection.sendall(plain)
        assert whole_answer(connection).startswith(b"HTTP/1.1 200")
    assert "WebSocket" not in server.said()
    assert "upgrade" not in server.said().lower()


def test_photos_of_an_upload_may_offer_another_protocol(server: Server) -> None:
    upload = server.post("/uploads").json()["id"]
    target = f"/uploads/{upload}?name=a.png"
    request = request_bytes(server, target, PHOTO.read_bytes(), OFFERS["h2c"])
    assert raw(server, request).startswith(b"HTTP/1.1 201")
    assert server.get(f"/uploads/{upload}").json()["names"] == ["a.png"]


@pytest.fixture(scope="module")
def narrow(
    tmp_path_factory: pytest.TempPathFactory, tensor_packs: dict[str, Path]
) -> Iterator[Server]:
    """Two requests at once, and no more."""
    folder = tmp_path_factory.mktemp("narrow")
    with serving(folder, BLOBS, tensor_packs["tiny"], "--queue", "2") as server:
        yield server


UNFINISHED = [
    "/predict/blobs",
    "/v2/models/tiny/infer",
    "/v1/models/tiny:predict",
    "/jobs/blobs",
    "form",
    "upload",
]


@pytest.mark.parametrize("target", UNFINISHED)
def test_unfinished_bodies_keep_nobody_out(narrow: Server, target: str) -> None:
    headers = [("Content-Length", "200000")]
    path, begun = target, b"\xff" * 500
    if target == "form":
        begun = FORM[:500]
        path = "/predict/blobs"
        headers.append(("Content-Type", "multipart/form-data; boundary=a"))
    if target == "upload":
        path = f"/uploads/{narrow.post('/uploads').json()['id']}?name=a.png"
    request = request_bytes(narrow, path, b"", headers)
    with contextlib.ExitStack() as stack:
        for _ in range(6):
            connection = socket.create_connection(narrow.address, timeout=20)
            stack.enter_context(connection).sendall(request + begun)
        for _ in range(3):
            answer = narrow.post("/predict/blobs", content=PHOTO.read_bytes())
            assert answer.status_code == 200, answer.text
        assert "requests_in_house 0.0" in narrow.get("/metrics").text


@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}], ids=["kept", "closed"])
def test_who_sends_all_before_reading_sees_an_early_answer(
    server: Server, headers: dict[str, str]
) -> None:
    for _ in range(3):
        connection = http.client.HTTPConnection(*server.address, timeout=20)
        with contextlib.closing(connection):
            connection.request("POST", "/nothing", body=b"x" * 20_000_000, headers=headers)
            assert connection.getresponse().status == 404


@pytest.mark.slow
def test_of_many_slow_bodies_of_one_caller_a_few_are_waited_for(server: Server) -> None:
    request = request_bytes(server, "/predict/blobs", b"", [("Content-Length", "200000")])
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(server.address, timeout=60))
            for _ in range(20)
        ]
        for connection in connections:
            connection.sendall(request + b"\xff" * 500)
        told = [whole_answer(connection) for connection in connections]
    refused = [one for one in told if one.startswith(b"HTTP/1.1 429")]
    late = [one for one in told if one.startswith(b"HTTP/1.1 408")]
    assert (len(refused), len(late)) == (12, 8)
    assert all(b"retry-after: " in one for one in refused)


@pytest.mark.slow
def test_half_a_head_is_answered_after_ten_seconds(server: Server) -> None:
    answer = raw(server, b"POST /predict/blobs HTTP/1.1\r\nHost: a", seconds=40)
    assert answer.startswith(b"HTTP/1.1 408")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "head-too-slow"
