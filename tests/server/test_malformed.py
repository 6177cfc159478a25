"""Requests that are wrong in every way: each gets a sentence, and the server lives on."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.server.running import PHOTO, Server, raw, request_bytes, whole_answer

INFER = "/v2/models/tiny/infer"
PREDICT = "/v1/models/tiny:predict"
LENGTH = "Inference-Header-Content-Length"
GOOD: dict[str, Any] = {"name": "rows", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}
BINARY = json.dumps(
    {"inputs": [{"name": "rows", "shape": [1, 4], "datatype": "FP32", "parameters": {}}]}
)


@pytest.fixture(autouse=True)
def still_answers(server: Server) -> Iterator[None]:
    yield
    answer = server.post(INFER, json={"inputs": [GOOD]})
    assert answer.status_code == 200, server.said()


def refusal(answer: httpx.Response | bytes, *statuses: int) -> dict[str, Any]:
    """The body of an error, which has the form that every error has."""
    if isinstance(answer, bytes):
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        assert b"x-request-id: " in head.lower()
    else:
        status, body = answer.status_code, answer.content
        assert answer.headers["x-request-id"]
        assert answer.headers["content-type"] == "application/json"
    assert status in (statuses or (400,)), body[:500]
    told: dict[str, Any] = json.loads(body)
    assert isinstance(told["error"], str)
    assert told["error"]
    assert isinstance(told["code"], str)
    assert told["code"]
    assert len(told["request_id"]) == 16
    return told


def with_input(**changes: Any) -> bytes:
    return json.dumps({"inputs": [GOOD | changes]}).encode()


def with_binary_size(size: Any) -> bytes:
    tensor = GOOD | {"data": None, "parameters": {"binary_data_size": size}}
    return json.dumps({"inputs": [tensor]}).encode()


JSON_FAULTS = {
    "empty": b"",
    "not json": b"{",
    "no utf-8": b'{"inputs": "\xff"}',
    "a list": b"[]",
    "a number": b"1e999",
    "null": b"null",
    "no inputs": b"{}",
    "inputs is null": b'{"inputs": null}',
    "inputs is empty": b'{"inputs": []}',
    "an input is a text": b'{"inputs": ["rows"]}',
    "no name": b'{"inputs": [{"shape": [1], "datatype": "FP32", "data": [1]}]}',
    "short data": with_input(data=[1, 2, 3]),
    "long data": with_input(data=[1, 2, 3, 4, 5]),
    "no data": with_input(data=None),
    "data is a number": with_input(data=5),
    "data is a text": with_input(data="1234"),
    "data holds a text": with_input(data=[1, 2, 3, "4"]),
    "data holds null": with_input(data=[1, 2, 3, None]),
    "data holds an object": with_input(data=[1, 2, 3, {}]),
    "data is ragged": with_input(data=[[1, 2, 3], [4]]),
    "data of another form": with_input(data=[[1], [2], [3], [4]]),
    "a number beyond its type": with_input(data=[1, 2, 3, 1e39]),
    "NaN": b'{"inputs":[{"name":"rows","shape":[1,4],"datatype":"FP32","data":[NaN,1,1,1]}]}',
    "Infinity": b'{"inputs":[{"name":"rows","shape":[1,1],"datatype":"FP32","data":[1e999]}]}',
    "negative shape": with_input(shape=[-1, 4]),
    "zero in shape": with_input(shape=[0, 4], data=[]),
    "huge shape": with_input(shape=[1 << 40, 1 << 40]),
    "a shape beyond every number": with_input(shape=[10**600] * 8),
    "shape of texts": with_input(shape=["1", "4"]),
    "shape of fractions": with_input(shape=[1.5, 4]),
    "a hundred sides": with_input(shape=[1] * 100, data=[1]),
    "wrong shape": with_input(shape=[1, 5], data=[1, 2, 3, 4, 5]),
    "unknown datatype": with_input(datatype="FP8"),
    "another datatype": with_input(datatype="INT64"),
    "another name": with_input(name="columns"),
    "a name of a megabyte": with_input(name="x" * (1 << 20)),
    "two of one name": json.dumps({"inputs": [GOOD, GOOD]}).encode(),
    "one too many": json.dumps({"inputs": [GOOD, GOOD | {"name": "more"}]}).encode(),
    "parameters is a list": with_input(parameters=[]),
    "an unknown output": json.dumps({"inputs": [GOOD], "outputs": [{"name": "boxes"}]}).encode(),
    "outputs is a text": json.dumps({"inputs": [GOOD], "outputs": "scores"}).encode(),
    "classes below zero": json.dumps(
        {"inputs": [GOOD], "outputs": [{"name": "scores", "parameters": {"classification": -1}}]}
    ).encode(),
    "timeout is a text": json.dumps({"inputs": [GOOD], "parameters": {"timeout": "1"}}).encode(),
    "timeout beyond every number": json.dumps(
        {"inputs": [GOOD], "parameters": {"timeout": 10**400}}
    ).encode(),
    "a million brackets": b"[" * 1_000_000,
    "a million brackets in data": b'{"inputs":[{"name":"rows","shape":[1,4],"datatype":"FP32",'
    b'"data":' + b"[" * 1_000_000,
    "a million objects": b'{"inputs":' * 1_000_000,
    "nested 900 deep": with_input(data=json.loads("[" * 900 + "1" + "]" * 900)),
    "a long text among many numbers": with_input(data=["a" * 100_000] + [1] * 30_000),
    "a binary size without binary data": with_binary_size(16),
}


@pytest.mark.parametrize("body", JSON_FAULTS.values(), ids=JSON_FAULTS.keys())
def test_a_wrong_v2_request_is_a_sentence(server: Server, body: bytes) -> None:
    refusal(server.post(INFER, content=body))


BINARY_SIZES = [-1, -(1 << 63), 15, 17, 1 << 31, 1 << 62, 10**300, "16", 16.0, True, [], {}]


@pytest.mark.parametrize("size", BINARY_SIZES, ids=str)
def test_a_wrong_binary_size_is_a_sentence(server: Server, size: Any) -> None:
    head = with_binary_size(size)
    body = head + struct.pack("<4f", 1, 2, 3, 4)
    refusal(server.post(INFER, content=body, headers={LENGTH: str(len(head))}))


HEADERS = ["-1", "1", "10", "999999", "9" * 18, "9" * 19, "9" * 4000, "ten", "1e2", "0x10", "+5"]


@pytest.mark.parametrize("stated", HEADERS)
def test_a_wrong_binary_header_is_a_sentence(server: Server, stated: str) -> None:
    head = with_binary_size(16)
    body = head + struct.pack("<4f", 1, 2, 3, 4)
    refusal(server.post(INFER, content=body, headers={LENGTH: stated}))


@pytest.mark.parametrize(
    ("megabytes", "stated", "status"),
    [(70, "10", 413), (60, "10", 400), (60, "0", 400), (60, str(60 << 20), 400)],
)
def test_what_ended_a_triton_is_a_sentence(
    server: Server, megabytes: int, stated: str, status: int
) -> None:
    body = b"\0" * (megabytes << 20)
    # The whole JSON of 60 MB would need more memory than is allowed for it.
    refusal(server.post(INFER, content=body, headers={LENGTH: stated}), status, 413)


def test_texts_whose_lengths_lie_are_a_sentence(server: Server) -> None:
    for lengths in ([5], [0xFFFFFFFF], [1, 1], []):
        data = b"".join(struct.pack("<I", length) for length in lengths) + b"abc"
        tensor = {
            "name": "image",
            "shape": [1],
            "datatype": "BYTES",
            "parameters": {"binary_data_size": len(data)},
        }
        head = json.dumps({"inputs": [tensor]}).encode()
        refusal(
            server.post(
                "/v2/models/blobs/infer", content=head + data, headers={LENGTH: str(len(head))}
            )
        )


V1_FAULTS = {
    "empty": b"",
    "not json": b"[",
    "nothing asked": b"{}",
    "both": b'{"instances": [[1,2,3,4]], "inputs": [[1,2,3,4]]}',
    "no list": b'{"instances": 5}',
    "an empty list": b'{"instances": []}',
    "null": b'{"instances": null}',
    "ragged": b'{"instances": [[1,2,3,4],[1]]}',
    "text": b'{"instances": [["a","b","c","d"]]}',
    "three columns": b'{"instances": [[1,2,3]]}',
    "other names in each row": b'{"instances": [{"rows":[1,2,3,4]},{"cols":[1,2,3,4]}]}',
    "a scalar": b'{"inputs": 5}',
    "an unknown name beside the right one": b'{"inputs": {"rows":[[1,2,3,4]],"more":[1]}}',
    "bytes for numbers": b'{"instances": [{"b64": "AAAA"}]}',
    "bytes beside numbers": b'{"instances": [{"b64": "AAAA"}, 5]}',
    "a million brackets": b'{"instances": ' + b"[" * 1_000_000,
    "a long text among many numbers": json.dumps(
        {"instances": ["a" * 100_000] + [1] * 30_000}
    ).encode(),
}


@pytest.mark.parametrize("body", V1_FAULTS.values(), ids=V1_FAULTS.keys())
def test_a_wrong_v1_request_is_a_sentence(server: Server, body: bytes) -> None:
    refusal(server.post(PREDICT, content=body))


V1_PHOTOS = {
    "a number": b'{"instances": [5]}',
    "no base64": b'{"instances": [{"b64": "?"}]}',
    "b64 is a number": b'{"instances": [{"b64": 5}]}',
    "more than b64": b'{"instances": [{"b64": "AAAA", "x": 1}]}',
    "an empty object": b'{"instances": [{}]}',
    "no photo": b'{"instances": [{"b64": "%s"}]}' % base64.b64encode(b"GIF89a"),
}


@pytest.mark.parametrize("body", V1_PHOTOS.values(), ids=V1_PHOTOS.keys())
def test_a_wrong_v1_photo_is_a_sentence(server: Server, body: bytes) -> None:
    told = refusal(server.post("/v1/models/blobs:predict", content=body), 400, 415)
    assert "instance 0" in told["error"] or "base64" in told["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", f"/v2/models/{name}/infer") for name in ("nobody", "tiny%2F..", "%00", "\xe9")),
        ("POST", "/v2/models/tiny/versions/9/infer"),
        ("POST", "/v2/models/tiny/versions/x/infer"),
        ("POST", "/predict/nobody"),
        ("POST", "/predict/blobs/versions/9"),
        ("POST", "/v1/models/nobody:predict"),
        ("POST", "/v1/models/tiny/versions/9:predict"),
        ("POST", "/v2/repository/models/nobody/load"),
        ("POST", "/v2/repository/models/nobody/unload"),
        ("GET", "/v2/models/nobody"),
        ("GET", "/v2/models/nobody/ready"),
        ("GET", "/v2/models/tiny/versions/9/ready"),
        ("GET", "/v2/models/nobody/config"),
        ("GET", "/v2/models/nobody/stats"),
        ("GET", "/v1/models/nobody"),
        ("GET", "/packs/nobody/versions/1"),
        ("DELETE", "/packs/nobody/versions/1"),
        ("GET", "/v2/logging"),
        ("GET", "/v2/systemsharedmemory/status"),
        ("GET", "/nothing"),
        ("GET", "/static/../../pyproject.toml"),
        ("GET", "/samples/..%2f..%2fpack.toml"),
    ],
)
def test_what_is_not_there_is_404(server: Server, method: str, path: str) -> None:
    content = PHOTO.read_bytes() if path.startswith("/predict") else with_input()
    if path.startswith("/v1"):
        content = b'{"instances": [[1,2,3,4]]}'
    body = content if method == "POST" and "repository" not in path else b""
    refusal(httpx.request(method, server.url + path, content=body, timeout=60, verify=False), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", INFER, {"POST"}),
        ("DELETE", "/v2/models/tiny", {"GET", "HEAD"}),
        ("PUT", "/packs", {"GET", "HEAD", "POST"}),
        ("POST", "/packs/tiny/versions/1", {"DELETE", "GET", "HEAD"}),
        ("POST", "/metrics", {"GET", "HEAD"}),
        ("PATCH", "/predict/blobs", {"POST"}),
        ("OPTIONS", INFER, {"POST"}),
        ("POST", "/", {"GET", "HEAD"}),
    ],
)
def test_another_method_is_405_and_says_which_are_allowed(
    server: Server, method: str, path: str, allowed: set[str]
) -> None:
    answer = httpx.request(method, server.url + path, timeout=60, verify=False)
    refusal(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == allowed


def test_415_lists_the_formats(server: Server) -> None:
    told = refusal(server.post("/predict/blobs", content=b"%PDF-1.7 and more"), 415)
    assert "JPEG, PNG, WebP, TIFF, GIF, BMP and AVIF" in told["error"]
    coded = server.post(INFER, content=with_input(), headers={"Content-Encoding": "br"})
    assert "gzip and deflate" in refusal(coded, 415)["error"]


def test_413_names_the_limit_and_the_option(server: Server) -> None:
    told = refusal(server.post("/predict/blobs", content=b"\0" * (65 << 20)), 413)
    assert "64 MiB" in told["error"]
    assert "--body-limit" in told["hint"]
    # Nothing of a body that states its size is read before it is refused.
    stated = request_bytes(server, "/predict/blobs", b"", [("Content-Length", str(1 << 40))])
    assert "1 TiB" in refusal(raw(server, stated), 413)["error"]


def test_json_that_would_take_too_much_memory_is_413(server: Server) -> None:
    body = b'{"inputs": [' + b"1," * (20 << 19) + b"1]}"
    told = refusal(server.post(INFER, content=body), 413)
    assert "--decode-limit" in told["hint"]


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_a_compressed_bomb_is_413(server: Server, pack: Any) -> None:
    bomb = pack(b"\0" * (300 << 20), 9)
    name = "gzip" if pack is gzip.compress else "deflate"
    assert len(bomb) < 1 << 20
    answer = server.post(INFER, content=bomb, headers={"Content-Encoding": name})
    assert "64 MiB" in refusal(answer, 413)["error"]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize(
    "body",
    [b"", b"garbage", gzip.compress(with_input())[:20]],
    ids=["nothing", "garbage", "half"],
)
def test_a_compressed_body_that_is_none_is_a_sentence(
    server: Server, coding: str, body: bytes
) -> None:
    refusal(server.post(INFER, content=body, headers={"Content-Encoding": coding}))


FORMS = {
    "no boundary": ("multipart/form-data", b"abc"),
    "no part": ("multipart/form-data; boundary=a", b"--a--\r\n"),
    "garbage": ("multipart/form-data; boundary=a", b"garbage"),
    "unfinished": (
        "multipart/form-data; boundary=a",
        b'--a\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\nabc',
    ),
    "no file": (
        "multipart/form-data; boundary=a",
        b'--a\r\nContent-Disposition: form-data; name="image"\r\n\r\nabc\r\n--a--\r\n',
    ),
    "an endless header": ("multipart/form-data; boundary=a", b"--a\r\nX: " + b"y" * 100_000),
    "an endless boundary": ("multipart/form-data; boundary=" + "a" * 3000, b"abc"),
}


@pytest.mark.parametrize(("kind", "body"), FORMS.values(), ids=FORMS.keys())
def test_a_wrong_form_is_a_sentence(server: Server, kind: str, body: bytes) -> None:
    answer = server.post("/predict/blobs", content=body, headers={"Content-Type": kind})
    assert refusal(answer)["code"] == "form-invalid"


@pytest.mark.parametrize(
    "path", ["load", "unload"], ids=["load with parameters", "unload with a list"]
)
def test_a_wrong_repository_request_is_a_sentence(server: Server, path: str) -> None:
    body = b'{"parameters": {"config": "{}"}}' if path == "load" else b"[1]"
    refusal(server.post(f"/v2/repository/models/tiny/{path}", content=body))
    refusal(server.post("/v2/repository/index", content=b'{"ready": "yes"}'))


@pytest.mark.parametrize("text", ["bytes=9999999-", "bytes=garbage", "lines=1-2"])
@pytest.mark.parametrize("path", ["/packs/tiny/versions/1", "/static/page.css", "/"])
def test_a_strange_range_is_passed_over(server: Server, path: str, text: str) -> None:
    answer = server.get(path, headers={"Range": text, "Accept": "text/html"})
    if answer.status_code != 404:
        assert answer.status_code == 200
        assert answer.content == server.get(path, headers={"Accept": "text/html"}).content


def test_who_hangs_up_before_the_end_of_the_body_harms_nobody(server: Server) -> None:
    for sent in (b"", b"{", PHOTO.read_bytes()):
        for target in (INFER, "/predict/blobs", "/packs", "/v2/repository/index", PREDICT):
            request = request_bytes(server, target, sent, [("Content-Length", str(1 << 20))])
            with socket.create_connection(server.address, timeout=10) as connection:
                connection.sendall(request)
    assert "requests_in_house 0.0" in settled(server, "requests_in_house 0.0")
    assert "memory_reserved_bytes 0.0" in server.get("/metrics").text


def settled(server: Server, wanted: str) -> str:
    """The metrics, as soon as they say that; those who hung up are noticed a moment later."""
    for _ in range(50):
        text = server.get("/metrics").text
        if wanted in text:
            break
        time.sleep(0.1)
    return text


def test_who_hangs_up_while_the_answer_is_made_harms_nobody(server: Server) -> None:
    for _ in range(20):
        with socket.create_connection(server.address, timeout=10) as connection:
            connection.sendall(request_bytes(server, "/predict/blobs", PHOTO.read_bytes()))
    assert "requests_in_house 0.0" in settled(server, "requests_in_house 0.0")


def test_a_client_that_sends_slowly_is_answered(server: Server) -> None:
    request = request_bytes(server, INFER, with_input())
    with socket.create_connection(server.address, timeout=10) as connection:
        for at in range(0, len(request), 16):
            connection.sendall(request[at : at + 16])
            time.sleep(0.02)
        assert whole_answer(connection).startswith(b"HTTP/1.1 200")


@pytest.mark.slow
def test_a_client_that_stops_sending_is_408(server: Server) -> None:
    request = request_bytes(server, INFER, b"{", [("Content-Length", "100")])
    assert "30 seconds" in refusal(raw(server, request, seconds=45), 408)["error"]


@pytest.mark.parametrize(
    "request_line",
    [b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0\1\2\3\r\n\r\n", b"GET\r\n\r\n"],
)
def test_what_is_no_http_is_answered_or_cut_off(server: Server, request_line: bytes) -> None:
    answer = raw(server, request_line)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 403"))


def test_every_number_of_requests_on_one_connection_is_answered(server: Server) -> None:
    one = request_bytes(server, INFER, with_input())
    with socket.create_connection(server.address, timeout=20) as connection:
        for _ in range(3):
            connection.sendall(one)
            assert whole_answer(connection).startswith(b"HTTP/1.1 200")
