"""A photo in, a record out: POST /predict, and the same photos through V1."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from tests.server.running import PHOTO, Server

BYTES = PHOTO.read_bytes()
SIZE = Image.open(io.BytesIO(BYTES)).size


def b64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode()}


def without_timing(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in ("timing", "image")}


def predict(server: Server, pack: str = "blobs", **options: Any) -> dict[str, Any]:
    answer = server.post(f"/predict/{pack}", **options)
    assert answer.status_code == 200, answer.text
    record: dict[str, Any] = answer.json()
    return record


def test_a_body_and_a_form_give_the_same_record(server: Server) -> None:
    raw = predict(server, content=BYTES)
    form = predict(server, files={"image": ("a.png", BYTES)})
    named = predict(server, files={"anything": ("a.png", BYTES, "image/png")})
    assert without_timing(raw) == without_timing(form) == without_timing(named)
    assert raw["detections"]
    assert (raw["width"], raw["height"]) == SIZE
    assert (raw["pack"], raw["version"], raw["status"]) == ("blobs", "1", "done")
    assert set(raw["timing"]) == {"decode_seconds", "model_seconds"}


@pytest.mark.parametrize("name", ["cow.png", "Müller's Kühe 🐄.png", "写真.jpg", "a b;c.png"])
def test_a_form_keeps_the_name_of_the_file(server: Server, name: str) -> None:
    assert predict(server, files={"image": (name, BYTES)})["image"] == name


def test_a_body_has_no_name(server: Server) -> None:
    assert predict(server, content=BYTES)["image"] == ""


def test_a_version_may_be_named(server: Server) -> None:
    answer = server.post("/predict/blobs/versions/1", content=BYTES)
    assert answer.json()["version"] == "1"


def test_a_threshold_keeps_the_surer_objects(server: Server) -> None:
    every = predict(server, content=BYTES, params={"threshold": "0"})["detections"]
    scores = sorted(one["score"] for one in every)
    middle = scores[len(scores) // 2] + 0.00005
    kept = predict(server, content=BYTES, params={"threshold": middle})["detections"]
    assert kept == [one for one in every if one["score"] >= middle]
    assert 0 < len(kept) < len(every)
    assert predict(server, content=BYTES, params={"threshold": "1"})["detections"] == []


@pytest.mark.parametrize("text", ["", "x", "-0.1", "1.1", "nan", "inf", "0,5", "9" * 400])
def test_a_threshold_beyond_its_range_is_a_sentence(server: Server, text: str) -> None:
    answer = server.post("/predict/blobs", content=BYTES, params={"threshold": text})
    assert answer.status_code == 400
    assert "from 0 to 1" in answer.json()["error"]


def test_a_flag_that_is_none_is_a_sentence(server: Server) -> None:
    answer = server.post("/predict/blobs", content=BYTES, params={"map": "perhaps"})
    assert answer.status_code == 400
    assert "true or false" in answer.json()["error"]


def test_two_files_in_a_form_are_a_sentence(server: Server) -> None:
    files = [("image", ("a.png", BYTES)), ("image", ("b.png", BYTES))]
    answer = server.post("/predict/blobs", files=files)
    assert answer.status_code == 400
    assert answer.json()["error"] == "the form holds more than one file"


def test_a_pack_of_tensors_says_that_it_takes_no_photo(server: Server) -> None:
    answer = server.post("/predict/tiny", content=BYTES)
    assert answer.status_code == 400
    assert answer.json()["code"] == "pack-takes-tensors"


def test_an_empty_body_is_a_sentence(server: Server) -> None:
    answer = server.post("/predict/blobs", content=b"")
    assert (answer.status_code, answer.json()["code"]) == (400, "image-empty")


def test_a_photo_larger_than_memory_for_bodies_is_read_from_disk(server: Server) -> None:
    # Whatever stands behind a PNG's end is not looked at.
    padded = BYTES + b"\0" * (40 << 20)
    record = predict(server, content=padded)
    assert record["detections"] == predict(server, content=BYTES)["detections"]
    form = predict(server, files={"image": ("large.png", padded)})
    assert form["detections"] == record["detections"]
    assert list((server.state / "waiting").iterdir()) == []


def test_the_answer_of_v1_is_the_record_of_each_photo(server: Server) -> None:
    known = without_timing(predict(server, content=BYTES))
    path = "/v1/models/blobs:predict"
    rows = server.post(path, json={"instances": [b64(BYTES), {"image": b64(BYTES)}]}).json()
    assert [without_timing(one) for one in rows["predictions"]] == [known, known]
    columns = server.post(path, json={"inputs": b64(BYTES)}).json()
    assert [without_timing(one) for one in columns["outputs"]] == [known]
    versioned = server.post("/v1/models/blobs/versions/1:predict", json={"instances": [b64(BYTES)]})
    assert [without_timing(one) for one in versioned.json()["predictions"]] == [known]


def test_a_bad_second_photo_names_its_number(server: Server) -> None:
    body = {"instances": [b64(BYTES), b64(b"GIF89a"), b64(BYTES)]}
    answer = server.post("/v1/models/blobs:predict", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("instance 1: ")


def test_v1_takes_rows_columns_and_names(server: Server) -> None:
    path = "/v1/models/tiny:predict"

    def ask(body: object) -> Any:
        answer = server.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    rows = [[0.1, 0.2, 0.3, 0.4], [1, 2, 3, 4]]
    by_rows = ask({"instances": rows})["predictions"]
    assert np.allclose(np.sum(by_rows, axis=1), 1)
    assert ask({"inputs": rows}) == {"outputs": by_rows}
    assert ask({"inputs": {"rows": rows}}) == {"outputs": by_rows}
    assert ask({"inputs": {"any name": rows}}) == {"outputs": by_rows}
    assert ask({"instances": [{"rows": row} for row in rows]}) == {"predictions": by_rows}
    assert ask({"instances": rows, "signature_name": "serving_default"})["predictions"] == by_rows


def test_v1_status_has_the_keys_of_both_its_speakers(server: Server) -> None:
    assert server.get("/v1/models").json() == {"models": ["blobs", "planes", "tiny"]}
    for path in ("/v1/models/tiny", "/v1/models/tiny/versions/1"):
        told = server.get(path).json()
        assert (told["name"], told["ready"]) == ("tiny", True)
        (status,) = told["model_version_status"]
        assert status == {
            "version": "1",
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }


def test_the_root_is_alive_for_a_program_and_a_page_for_a_person(server: Server) -> None:
    assert server.get("/").json() == {"status": "alive"}
    page = server.get("/", headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/v2/health/live", "/livez", "/healthz"])
def test_every_probe_of_life_answers(server: Server, path: str) -> None:
    assert server.get(path).json() == {"live": True}
    assert httpx.head(server.url + path).status_code == 200


@pytest.mark.parametrize("path", ["/v2/health/ready", "/readyz"])
def test_every_probe_of_readiness_answers(server: Server, path: str) -> None:
    assert server.get(path).json() == {"ready": True}


def test_a_label_map_has_the_photos_size_and_its_legend(real_server: Server, dog: bytes) -> None:
    plain = predict(real_server, "deeplab", content=dog)
    assert "map" not in plain
    record = predict(real_server, "deeplab", content=dog, params={"map": "true"})
    labels = np.asarray(Image.open(io.BytesIO(base64.b64decode(record["map"]))))
    assert labels.shape == (record["height"], record["width"]) == (576, 768)
    counted = {int(i): int(n) for i, n in zip(*np.unique(labels, return_counts=True), strict=True)}
    assert {one["class_id"]: one["pixels"] for one in record["legend"]} == counted
    assert record["legend"] == plain["legend"]


def test_a_label_map_comes_over_v2_in_the_photos_size(real_server: Server, dog: bytes) -> None:
    body = {"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": [b64(dog)]}]}
    answer = real_server.post("/v2/models/deeplab/infer", json=body)
    (output,) = answer.json()["outputs"]
    assert (output["name"], output["shape"]) == ("labels", [1, 576, 768])
    legend = predict(real_server, "deeplab", content=dog)["legend"]
    counts = np.bincount(np.array(output["data"]), minlength=256)
    assert {one["class_id"]: one["pixels"] for one in legend} == {
        int(i): int(counts[i]) for i in np.flatnonzero(counts)
    }
