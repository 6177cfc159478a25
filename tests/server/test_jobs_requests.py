"""V1 and V2 requests as jobs: the result is the JSON that the route itself answers."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tests.server.running import BLOBS, PHOTO, Server, serving
from tests.server.test_jobs import command, ended

LATER = {"Prefer": "respond-async"}
ROWS = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.5]]
V1 = "/v1/models/tiny:predict"
V2 = "/v2/models/tiny/infer"
LENGTH = "Inference-Header-Content-Length"


def v2_json(**more: Any) -> dict[str, Any]:
    rows = {"name": "rows", "shape": [2, 4], "datatype": "FP32", "data": ROWS}
    return {"id": "mine", "inputs": [rows], **more}


def v2_binary(**more: Any) -> tuple[bytes, dict[str, str]]:
    """JSON with the tensor's bytes behind it, and the header that says where they begin."""
    data = np.array(ROWS, dtype="<f4").tobytes()
    tensor = {"name": "rows", "shape": [2, 4], "datatype": "FP32"}
    tensor["parameters"] = {"binary_data_size": len(data)}  # type: ignore[assignment]
    head = json.dumps({"inputs": [tensor], **more}).encode()
    return head + data, {LENGTH: str(len(head))}


def photo_v1() -> dict[str, Any]:
    one = {"b64": base64.b64encode(PHOTO.read_bytes()).decode()}
    return {"instances": [one, {"image": one}]}


def as_job(server: Server, path: str, **options: Any) -> httpx.Response:
    headers = {**LATER, **options.pop("headers", {})}
    return server.post(path, headers=headers, **options)


def result_of(server: Server, answer: httpx.Response) -> bytes:
    assert answer.status_code == 202, answer.text
    assert answer.headers["preference-applied"] == "respond-async"
    assert answer.headers["location"] == answer.json()["links"]["self"]
    job = ended(server, answer.headers["location"])
    assert (job["state"], job["kind"], job["version"]) == ("done", "request", "1"), job
    result = server.get(job["links"]["result"])
    assert result.headers["content-type"] == "application/json"
    return result.content


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (V1, {"instances": ROWS}),
        (V1, {"inputs": ROWS}),
        ("/v1/models/tiny/versions/1:predict", {"instances": ROWS}),
        (V2, v2_json()),
        ("/v2/models/tiny/versions/1/infer", v2_json()),
    ],
)
def test_a_jobs_result_is_the_body_that_the_route_answers(
    path: str, body: dict[str, Any], server: Server
) -> None:
    direct = server.post(path, json=body)
    assert direct.status_code == 200, direct.text
    assert result_of(server, as_job(server, path, json=body)) == direct.content


def test_binary_tensors_are_kept_as_they_came_and_answered_in_json(server: Server) -> None:
    body, headers = v2_binary()
    direct = server.post(V2, content=body, headers=headers)
    result = result_of(server, as_job(server, V2, content=body, headers=headers))
    assert result == direct.content
    packed = {**headers, "Content-Encoding": "gzip"}
    again = as_job(server, V2, content=gzip.compress(body), headers=packed)
    assert result_of(server, again) == direct.content


def test_a_raw_request_is_answered_in_json(server: Server) -> None:
    raw = np.array(ROWS[:1], dtype="<f4").tobytes()
    answer = as_job(server, V2, content=raw, headers={LENGTH: "0"})
    (output,) = json.loads(result_of(server, answer))["outputs"]
    asked = v2_json()
    asked["inputs"][0] |= {"shape": [1, 4], "data": ROWS[:1]}
    assert output == server.post(V2, json=asked).json()["outputs"][0]


def test_photos_in_v1_give_their_records(server: Server) -> None:
    path = "/v1/models/blobs:predict"
    direct = server.post(path, json=photo_v1()).json()["predictions"]
    result = json.loads(result_of(server, as_job(server, path, json=photo_v1())))["predictions"]
    assert len(result) == 2
    assert [{**one, "timing": 0} for one in result] == [{**one, "timing": 0} for one in direct]
    assert result[0]["detections"]


def test_a_photo_in_v2_gives_its_tensors(server: Server) -> None:
    data = [base64.b64encode(PHOTO.read_bytes()).decode()]
    image = {"name": "image", "shape": [1], "datatype": "BYTES", "data": data}
    path, body = "/v2/models/blobs/infer", {"inputs": [image]}
    direct = server.post(path, json=body)
    assert result_of(server, as_job(server, path, json=body)) == direct.content


@pytest.mark.parametrize(
    "more",
    [
        {"parameters": {"binary_data_output": True}},
        {"outputs": [{"name": "scores", "parameters": {"binary_data": True}}]},
    ],
)
def test_binary_outputs_are_refused_when_the_job_is_sent(
    more: dict[str, Any], server: Server
) -> None:
    answer = as_job(server, V2, json=v2_json(**more))
    assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid")
    assert answer.json()["error"].startswith("a job's result is JSON")
    assert "respond-async" in answer.json()["hint"]


def test_what_no_pack_could_answer_is_refused_as_the_route_refuses_it(server: Server) -> None:
    wrong = v2_json()
    wrong["inputs"][0]["name"] = "columns"
    binary, headers = v2_binary()
    before = server.get("/jobs?limit=200").json()["jobs"]
    for path, options in (
        (V1, {"content": b"{"}),
        (V1, {"content": b""}),
        (V1, {"json": {"instances": [[1, "x"]]}}),
        (V2, {"content": b'{"inputs": 1}'}),
        (V2, {"content": b""}),
        (V2, {"json": wrong}),
        (V2, {"content": binary[:-1], "headers": headers}),
        (V2, {"content": binary, "headers": {LENGTH: "x"}}),
        ("/v2/models/blobs/infer", {"json": v2_json(inputs=[])}),
        ("/v1/models/nobody:predict", {"json": {"instances": ROWS}}),
    ):
        direct, later = server.post(path, **options), as_job(server, path, **dict(options))
        assert later.status_code == direct.status_code in (400, 404), (path, options)
        assert later.json()["code"] == direct.json()["code"]
    assert server.get("/jobs?limit=200").json()["jobs"] == before


def test_what_shows_only_when_it_runs_fails_the_job_with_the_routes_error(server: Server) -> None:
    body = v2_json(outputs=[{"name": "nothing"}])
    direct = server.post(V2, json=body).json()
    job = ended(server, as_job(server, V2, json=body).headers["location"])
    assert (job["state"], job["attempts"]) == ("failed", 1)
    assert (job["error"]["code"], job["error"]["message"]) == (direct["code"], direct["error"])


def test_the_callers_own_deadline_is_not_the_jobs(server: Server) -> None:
    body = v2_json(parameters={"timeout": 1})
    assert json.loads(result_of(server, as_job(server, V2, json=body)))["id"] == "mine"


def test_keys_priority_and_wait_work_as_for_photos(server: Server) -> None:
    key = {"Idempotency-Key": "a request"}
    path = f"{V2}?priority=3&wait=60"
    first = as_job(server, path, json=v2_json(), headers=key)
    again = as_job(server, path, json=v2_json(), headers=key)
    assert first.headers["location"] == again.headers["location"]
    # The same bytes by another route are another thing.
    other = as_job(server, V1, json=v2_json(), headers=key)
    assert other.status_code == 400
    other = as_job(server, V2, json=v2_json(id="other"), headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-key-reused")
    for query in ("priority=101", "wait=0"):
        answer = as_job(server, f"{V2}?{query}", json=v2_json())
        assert answer.json()["code"] == "query-invalid"


def test_photos_alone_still_go_to_packs_that_take_photos(server: Server) -> None:
    answer = server.post("/jobs/tiny", content=b"x")
    assert (answer.status_code, answer.json()["code"]) == (400, "pack-takes-tensors")
    assert "respond-async" in answer.json()["hint"]


def test_a_key_needs_the_scope_of_jobs_and_no_other(
    tmp_path: Path, tensor_packs: dict[str, Path]
) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"ada:{'a' * 20}:jobs\nbob:{'b' * 20}:infer\n")
    keys.chmod(0o600)
    with serving(tmp_path, tensor_packs["tiny"], "--keys", keys) as server:
        for path, body in ((V1, {"instances": ROWS}), (V2, v2_json())):
            for holder, status in (("a", 202), ("b", 403)):
                headers = {"Authorization": f"Bearer {holder * 20}"}
                assert as_job(server, path, json=body, headers=headers).status_code == status


def test_a_request_outlives_the_server_and_the_command_line_shows_its_result(
    tmp_path: Path, tensor_packs: dict[str, Path]
) -> None:
    with serving(tmp_path, BLOBS, tensor_packs["tiny"]) as first:
        direct = first.post(V1, json={"instances": ROWS}).json()
        put = [as_job(first, V1, json={"instances": ROWS}) for _ in range(30)]
        first.process.kill()
        first.process.wait(10)
    with serving(tmp_path, BLOBS, tensor_packs["tiny"], "--state", first.state) as again:
        for answer in put:
            assert ended(again, answer.headers["location"])["state"] == "done"
        job_id, door = put[-1].json()["id"], ("--server", again.url)
        assert json.loads(command(tmp_path, "jobs", "wait", job_id, *door)) == direct
        shown = command(tmp_path, "jobs", "show", job_id, "--result", *door)
        assert json.loads(shown) == direct
