"""What a caller wishes by query or form is heeded, or refused with what the route takes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.server.running import PHOTO, Server

from haversack.app.kinds import KINDS
from haversack.serve.http.contract.operation import Operation
from haversack.serve.http.contract.table import operations

BYTES = PHOTO.read_bytes()
FILE = {"image": ("a.png", BYTES, "image/png")}
IN_PATH = {"{name}": "blobs", "{version}": "1", "{file}": "x.json"}


def told(answer: httpx.Response) -> dict[str, Any]:
    """The body of a refusal of the query."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (400, "query-invalid"), answer.text
    return body


def scores(server: Server, path: str = "/predict/blobs", **options: Any) -> list[float]:
    answer = server.post(path, **options)
    assert answer.status_code == 200, answer.text
    return [one["score"] for one in answer.json()["detections"]]


@pytest.fixture(scope="module")
def surest(server: Server) -> float:
    """A threshold that leaves some objects of the photo, and not all."""
    every = sorted(scores(server, content=BYTES))
    assert every[0] < every[-1]
    return (every[-1] + every[-2]) / 2


@pytest.mark.parametrize("operation", operations(KINDS), ids=lambda one: f"{one.method} {one.path}")
def test_no_route_passes_over_a_name_it_does_not_know(server: Server, operation: Operation) -> None:
    path = operation.path
    for part, value in IN_PATH.items():
        path = path.replace(part, value)
    answer = httpx.request(
        operation.method, f"{server.url}{path}?nosuch=1", timeout=60, verify=False
    )
    if operation.passes_over:
        assert operation.method == "GET"
        assert answer.status_code == 200
        return
    body = told(answer)
    assert "'nosuch'" in body["error"]
    for parameter in operation.query:
        assert parameter.name in body["error"]


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("conf=0.85", "Did you mean threshold?"),
        ("Threshold=0.85", "Did you mean threshold?"),
        ("score_threshold=0.85", "Did you mean threshold?"),
        ("imgsz=640", "GET /openapi.json"),
        ("priority=5", "Prefer: respond-async"),
        ("=1", "Leave it out"),
        ("threshold=0.5&threshold=0.6", "Give it once"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one(server: Server, given: str, hint: str) -> None:
    body = told(server.post(f"/predict/blobs?{given}", content=BYTES))
    assert hint in body["hint"]
    if "&" not in given:
        assert "POST /predict/{name} takes threshold, map" in body["error"]
        name, _, value = given.partition("=")
        in_form = told(server.post("/predict/blobs", files=FILE, data={name: value}))
        assert "in the form" in in_form["error"]
        assert hint in in_form["hint"]


def test_a_form_may_say_what_the_query_says(server: Server, surest: float) -> None:
    (one,) = scores(server, f"/predict/blobs?threshold={surest}", content=BYTES)
    data = {"threshold": str(surest), "map": "on"}
    assert scores(server, files=FILE, data=data) == [one]
    same = f"/predict/blobs?threshold={surest}"
    assert scores(server, same, files=FILE, data=data) == [one]
    # A page's field that was left empty is not given.
    assert len(scores(server, files=FILE, data={"threshold": ""})) > 1


def test_fields_behind_the_photo_count_too(server: Server, surest: float) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    field = b'\r\n--b\r\nContent-Disposition: form-data; name="threshold"\r\n\r\n'
    form = head + BYTES + field + str(surest).encode() + b"\r\n--b--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    assert len(scores(server, content=form, headers=kind)) == 1


@pytest.mark.parametrize("value", ["x", "1.5", "-1", "nan", "0.5.5"])
def test_a_value_in_a_form_is_checked_as_in_the_query(server: Server, value: str) -> None:
    body = told(server.post("/predict/blobs", files=FILE, data={"threshold": value}))
    assert value in body["error"]


@pytest.mark.parametrize(
    ("query", "data"),
    [("?threshold=0.5", {"threshold": "0.6"}), ("", {"threshold": ["0.5", "0.6"]})],
)
def test_two_different_values_are_refused(
    server: Server, query: str, data: dict[str, str | list[str]]
) -> None:
    body = told(server.post(f"/predict/blobs{query}", files=FILE, data=data))
    assert "'0.5'" in body["error"]
    assert "'0.6'" in body["error"]


def test_fields_have_limits(server: Server) -> None:
    for data in ({"threshold": "0" * 5000}, {f"f{i}": "1" for i in range(65)}):
        answer = server.post("/predict/blobs", files=FILE, data=data)
        assert (answer.status_code, answer.json()["code"]) == (400, "form-invalid")
    # A photo that was sent as a field is no file, which is the likelier mistake.
    answer = server.post("/predict/blobs", files={"image": (None, BYTES)})
    assert answer.json()["error"] == "the form holds no file"


def test_a_job_takes_its_own_names_from_a_form(server: Server, surest: float) -> None:
    data = {"threshold": str(surest), "priority": "7", "wait": "600"}
    for path, headers in (("/jobs/blobs", {}), ("/predict/blobs", {"Prefer": "respond-async"})):
        answer = server.post(path, files=FILE, data=data, headers=headers)
        assert answer.status_code == 202, answer.text
        address = answer.headers["location"]
        server.get(f"{address}/events")  # which end with the job
        assert len(server.get(f"{address}/result").json()["detections"]) == 1
        for bad in ({"priority": "x"}, {"wait": "0"}, {"upload": "x"}, {"tile": "64"}):
            told(server.post(path, files=FILE, data=bad, headers=headers))


def test_what_is_for_surveys_or_jobs_is_not_passed_over_elsewhere(server: Server) -> None:
    assert "tile without upload" in told(server.post("/jobs/blobs?tile=64", content=BYTES))["error"]
    assert "map" in told(server.post("/jobs/blobs?upload=x&map=true"))["error"]
    infer = "/v2/models/blobs/infer?priority=1"
    assert "takes none" in told(server.post(infer, json={}))["error"]
    asked = server.post(infer, json={}, headers={"Prefer": "respond-async"})
    assert asked.json()["code"] == "request-invalid"


def test_an_upload_takes_the_photos_name_from_its_form(server: Server) -> None:
    place = server.post("/uploads").headers["location"]
    answer = server.post(place, files=FILE, data={"name": "south/b.png"})
    assert (answer.status_code, answer.json()["name"]) == (201, "south/b.png")
    told(server.post(place, files=FILE, data={"title": "x"}))


def test_readers_that_can_send_no_header_go_on_where_they_were(server: Server) -> None:
    address = server.post("/jobs/blobs", content=b"no photo").headers["location"]
    seen = server.get(f"{address}/events").text.rpartition("id: ")[2].partition("\n")[0]
    assert server.get(f"{address}/events?lastEventId={seen}").status_code == 204
