"""The answers of V2: plain JSON, exact bytes behind it, and classes of Triton."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from haversack.engine.results import PackIdentity
from haversack.engine.session import Array
from haversack.errors import HaversackError
from haversack.serve.protocols.v2_answer import InferAnswer, classification, render
from haversack.serve.protocols.v2_request import InferRequest, OutputMessage

PACK = PackIdentity(name="tiny", version="1", task="tensor", labels=("cow", "sheep"))


def told(answer: InferAnswer) -> dict[str, Any]:
    """The answer's JSON, which has no NaN or Infinity in it."""

    def forbid(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    message: dict[str, Any] = json.loads(answer.content[: answer.json_bytes], parse_constant=forbid)
    return message


def request(**options: Any) -> InferRequest:
    return InferRequest(**({"id": "", "inputs": {}} | options))


def test_json_answers_are_flat_and_carry_the_id() -> None:
    arrays = {"scores": np.array([[0.5, 0.25]], dtype=np.float32), "n": np.array([3])}
    answer = render(request(id="abc"), arrays, PACK)
    assert answer.json_bytes is None
    assert told(answer) == {
        "model_name": "tiny",
        "model_version": "1",
        "id": "abc",
        "outputs": [
            {"name": "scores", "datatype": "FP32", "shape": [1, 2], "data": [0.5, 0.25]},
            {"name": "n", "datatype": "INT64", "shape": [1], "data": [3]},
        ],
    }


def test_what_is_not_finite_is_null_and_says_so() -> None:
    values = np.array([1, np.nan, np.inf, -np.inf], dtype=np.float32)
    (output,) = told(render(request(), {"scores": values}, PACK))["outputs"]
    assert output["data"] == [1, None, None, None]
    assert output["parameters"] == {"non_finite": True}


def test_binary_answers_keep_every_bit() -> None:
    values = np.array([1, np.nan, np.inf], dtype=np.float32)
    answer = render(request(is_binary=True), {"scores": values}, PACK)
    assert answer.json_bytes is not None
    assert answer.content[answer.json_bytes :] == values.tobytes()
    assert told(answer)["outputs"][0]["parameters"] == {"binary_data_size": 12}


def test_an_outputs_own_wish_goes_before_the_requests() -> None:
    arrays = {"a": np.array([1], dtype=np.int8), "b": np.array([2], dtype=np.int8)}
    wishes = (
        OutputMessage(name="b", parameters={"binary_data": False}),
        OutputMessage(name="a"),
    )
    answer = render(request(is_binary=True, outputs=wishes), arrays, PACK)
    first, second = told(answer)["outputs"]
    assert (first["name"], first["data"]) == ("b", [2])
    assert (second["name"], second["parameters"]) == ("a", {"binary_data_size": 1})
    assert answer.content[answer.json_bytes :] == b"\1"


def test_no_outputs_wished_for_is_all_of_them() -> None:
    arrays = {"a": np.array([1], dtype=np.int8), "b": np.array([2], dtype=np.int8)}
    outputs = told(render(request(outputs=()), arrays, PACK))["outputs"]
    assert [one["name"] for one in outputs] == ["a", "b"]


def test_an_output_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(HaversackError, match="no output 'boxes'; it has scores"):
        render(request(outputs=(OutputMessage(name="boxes"),)), {"scores": np.zeros(1)}, PACK)


@pytest.mark.parametrize(
    ("values", "count", "texts"),
    [
        ([[0.1, 0.7, 0.2]], 2, [[b"0.700000:1:sheep", b"0.200000:2"]]),
        ([[0.1, 0.7]], 9, [[b"0.700000:1:sheep", b"0.100000:0:cow"]]),
        ([0.5, 0.5], 1, [b"0.500000:0:cow"]),
        ([[1, 2], [4, 3]], 1, [[b"2.000000:1:sheep"], [b"4.000000:0:cow"]]),
    ],
)
def test_classification_is_value_index_and_label(
    values: list[Any], count: int, texts: list[Any]
) -> None:
    assert classification("scores", np.array(values), count, PACK.labels).tolist() == texts


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_classification_of_nothing_is_nothing(shape: tuple[int, ...]) -> None:
    assert classification("scores", np.zeros(shape), 2, ()).size == 0


@pytest.mark.parametrize("values", [np.array("x", dtype=object), np.array(True), np.array(1.0)])
def test_classification_of_what_is_no_row_of_numbers_is_refused(values: Array) -> None:
    with pytest.raises(HaversackError, match="no numbers"):
        classification("scores", values, 2, ())


@pytest.mark.parametrize("count", [-1, 1.5, "2", True])
def test_a_number_of_classes_that_is_none_is_refused(count: object) -> None:
    wish = OutputMessage(name="scores", parameters={"classification": count})
    with pytest.raises(HaversackError, match="classification"):
        render(request(outputs=(wish,)), {"scores": np.zeros((1, 3))}, PACK)
