"""The vendor's own client, `tritonclient.http`, against the installed command."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton  # type: ignore[import-untyped]
from tests.server.running import PHOTO, Server
from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]

from haversack.engine.photo import decode

ROWS = np.arange(8, dtype=np.float32).reshape(2, 4) / 8


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Any]:
    with triton.InferenceServerClient(server.authority) as one:
        yield one


def rows_input(values: Any = ROWS, *, binary: bool) -> Any:
    tensor = triton.InferInput("rows", values.shape, "FP32")
    tensor.set_data_from_numpy(values, binary_data=binary)
    return tensor


def expected(rows: Any) -> Any:
    """What `tiny` gives, by numpy."""
    weight = np.arange(1, 13, dtype=np.float32).reshape(4, 3) / 10
    logits = rows @ weight + np.array([0, 0.1, 0.2], dtype=np.float32)
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)


def test_health_and_metadata_are_what_the_client_reads(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("tiny")
    assert client.is_model_ready("tiny", "1")
    assert not client.is_model_ready("nobody")
    assert not client.is_model_ready("tiny", "9")
    server = client.get_server_metadata()
    assert server["name"] == "haversack"
    assert "binary_tensor_data" in server["extensions"]
    assert client.get_model_metadata("tiny") == {
        "name": "tiny",
        "versions": ["1"],
        "platform": "onnx_onnxv1",
        "inputs": [{"name": "rows", "datatype": "FP32", "shape": [-1, 4]}],
        "outputs": [{"name": "scores", "datatype": "FP32", "shape": [-1, 3]}],
    }


def test_a_pack_of_photos_shows_one_input_of_pixels(client: Any) -> None:
    metadata = client.get_model_metadata("blobs", "1")
    assert metadata["inputs"] == [{"name": "image", "datatype": "UINT8", "shape": [-1, -1, 3]}]
    assert [one["name"] for one in metadata["outputs"]] == [
        *("boxes", "scores", "classes", "candidates")
    ]


def test_the_config_has_the_types_and_sides_of_the_metadata(client: Any) -> None:
    config = client.get_model_config("tiny")
    assert config["name"] == "tiny"
    assert config["max_batch_size"] == 0
    assert config["input"] == [{"name": "rows", "data_type": "TYPE_FP32", "dims": [-1, 4]}]


def test_the_repository_index_lists_what_is_loaded(client: Any) -> None:
    rows = {row["name"]: row for row in client.get_model_repository_index()}
    assert rows["tiny"]["state"] == "READY"
    assert rows["tiny"]["version"] == "1"


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("packing", [None, "gzip", "deflate"])
@pytest.mark.parametrize("unpacking", [None, "gzip", "deflate"])
def test_every_mix_of_binary_and_compression_gives_the_same_scores(
    client: Any, binary_in: bool, binary_out: bool, packing: str | None, unpacking: str | None
) -> None:
    rows = np.random.default_rng(3).random((400, 4), dtype=np.float32)
    answer = client.infer(
        "tiny",
        [rows_input(rows, binary=binary_in)],
        outputs=[triton.InferRequestedOutput("scores", binary_data=binary_out)],
        request_id="abc",
        request_compression_algorithm=packing,
        response_compression_algorithm=unpacking,
    )
    np.testing.assert_allclose(answer.as_numpy("scores"), expected(rows), rtol=1e-5)
    told = answer.get_response()
    assert told["id"] == "abc"
    assert (told["model_name"], told["model_version"]) == ("tiny", "1")
    assert ("binary_data_size" in told["outputs"][0].get("parameters", {})) is binary_out


def test_outputs_that_nobody_names_are_all_given(client: Any) -> None:
    answer = client.infer("tiny", [rows_input(binary=True)], model_version="1")
    np.testing.assert_allclose(answer.as_numpy("scores"), expected(ROWS), rtol=1e-5)


def test_classification_gives_the_surest_first(client: Any) -> None:
    wish = triton.InferRequestedOutput("scores", binary_data=True, class_count=2)
    answer = client.infer("tiny", [rows_input(binary=True)], outputs=[wish])
    texts = answer.as_numpy("scores")
    assert texts.shape == (2, 2)
    for row, scores in zip(texts, expected(ROWS), strict=True):
        values, indices = zip(*(text.decode().split(":") for text in row), strict=True)
        assert [int(index) for index in indices] == list(np.argsort(-scores)[:2])
        np.testing.assert_allclose([float(v) for v in values], np.sort(scores)[:-3:-1], atol=1e-5)


def test_a_large_binary_tensor_goes_through(client: Any) -> None:
    planes = np.random.default_rng(1).random((2, 3, 224, 224), dtype=np.float32)
    tensor = triton.InferInput("image", planes.shape, "FP32")
    tensor.set_data_from_numpy(planes)
    means = client.infer("planes", [tensor]).as_numpy("means")
    np.testing.assert_allclose(means[..., 0, 0], planes.mean(axis=(2, 3)), rtol=1e-4)


def test_statistics_count_every_request_and_every_row(client: Any) -> None:
    def counts() -> tuple[int, int, int, int]:
        (row,) = client.get_inference_statistics("tiny")["model_stats"]
        stats = row["inference_stats"]
        return (
            row["inference_count"],
            row["execution_count"],
            stats["success"]["count"],
            stats["fail"]["count"],
        )

    before = counts()
    for _ in range(5):
        client.infer("tiny", [rows_input(binary=True)])
    with pytest.raises(InferenceServerException):
        client.infer("tiny", [rows_input(np.zeros((1, 5), dtype=np.float32), binary=True)])
    after = counts()
    # Two rows a request; a Triton counts executions once.
    assert np.subtract(after, before).tolist() == [10, 5, 5, 1]
    assert {row["name"] for row in client.get_inference_statistics()["model_stats"]} == {
        *("blobs", "tiny", "planes")
    }


@pytest.mark.parametrize(
    ("name", "version", "tensor", "said"),
    [
        ("nobody", "", rows_input(binary=True), "nobody is not loaded"),
        ("tiny", "9", rows_input(binary=True), "tiny@9 is not loaded"),
        ("tiny", "", rows_input(np.zeros((1, 5), np.float32), binary=True), "FP32[1, 5]"),
        ("tiny", "", rows_input(np.full((1, 4), np.nan, np.float32), binary=True), "NaN"),
        ("tiny", "", rows_input(np.zeros((1, 5), np.float32), binary=False), "FP32[1, 5]"),
    ],
)
def test_what_cannot_be_answered_is_the_clients_exception(
    client: Any, name: str, version: str, tensor: Any, said: str
) -> None:
    with pytest.raises(InferenceServerException) as caught:
        client.infer(name, [tensor], model_version=version)
    assert said in caught.value.message()
    assert caught.value.status() in ("400", "404")


def test_an_output_that_is_not_there_is_the_clients_exception(client: Any) -> None:
    with pytest.raises(InferenceServerException, match="the model has no output 'boxes'"):
        client.infer(
            "tiny",
            [rows_input(binary=True)],
            outputs=[triton.InferRequestedOutput("boxes")],
        )


def found_in(answer: Any) -> list[tuple[int, list[float]]]:
    """Class and box of every object of a detection answer, surest first."""
    scores = answer.as_numpy("scores")[0]
    boxes, classes = answer.as_numpy("boxes")[0], answer.as_numpy("classes")[0]
    return [
        (int(classes[i]), [round(float(edge), 2) for edge in boxes[i]])
        for i in range(len(scores))
        if scores[i] >= 0.05
    ]


def test_a_photo_finds_the_same_boxes_in_every_protocol(client: Any, server: Server) -> None:
    data = PHOTO.read_bytes()
    record = server.post("/predict/blobs", content=data, params={"threshold": 0.05}).json()
    known = [(one["class_id"], one["box"]) for one in record["detections"]]
    assert known

    encoded = triton.InferInput("image", [1], "BYTES")
    encoded.set_data_from_numpy(np.array([data], dtype=np.object_))
    assert found_in(client.infer("blobs", [encoded])) == known

    from_pixels = triton.InferInput("anything", pixels_of(data).shape, "UINT8")
    from_pixels.set_data_from_numpy(pixels_of(data))
    assert found_in(client.infer("blobs", [from_pixels])) == known


def pixels_of(data: bytes) -> Any:
    """Decoded by Haversack: another decoder may differ by a level."""
    return decode(data).pixels


def test_a_jpeg_finds_the_same_boxes_as_its_pixels(real_server: Server, dog: bytes) -> None:
    record = real_server.post("/predict/yolox-nano", content=dog, params={"threshold": 0.05}).json()
    known = [(one["class_id"], one["box"]) for one in record["detections"]]
    assert {"dog", "bicycle"} <= {one["label"] for one in record["detections"]}
    with triton.InferenceServerClient(real_server.authority) as one:
        tensor = triton.InferInput("image", [1], "BYTES")
        tensor.set_data_from_numpy(np.array([dog], dtype=np.object_), binary_data=True)
        assert found_in(one.infer("yolox-nano", [tensor])) == known
        pixels = triton.InferInput("image", pixels_of(dog).shape, "UINT8")
        pixels.set_data_from_numpy(pixels_of(dog))
        assert found_in(one.infer("yolox-nano", [pixels])) == known


def test_an_answer_is_packed_only_for_who_asks_for_one_encoding(server: Server) -> None:
    body = {
        "inputs": [{"name": "rows", "shape": [200, 4], "datatype": "FP32", "data": [0.5] * 800}]
    }
    path = "/v2/models/tiny/infer"
    asked = server.post(path, json=body, headers={"Accept-Encoding": "gzip"})
    assert asked.headers["content-encoding"] == "gzip"
    browser = server.post(path, json=body, headers={"Accept-Encoding": "gzip, deflate, br"})
    assert "content-encoding" not in browser.headers
    assert browser.json() == asked.json()


def test_a_compressed_json_request_is_read(server: Server) -> None:
    body = b'{"inputs":[{"name":"rows","shape":[1,4],"datatype":"FP32","data":[[1,2,3,4]]}]}'
    answer = server.post(
        "/v2/models/tiny/infer",
        content=gzip.compress(body),
        headers={"Content-Encoding": "gzip"},
    )
    assert answer.status_code == 200
    assert answer.json()["outputs"][0]["shape"] == [1, 3]
