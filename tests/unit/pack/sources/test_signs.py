"""A model is known by its content, whatever its name is, and nothing waits for what is no file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.unit.pack.conftest import graph_of

from haversack.pack.sources.signs import holds_onnx

RELU = "net (float[1,3,4,6] x) => (float[1,3,4,6] y) { y = Relu (x) }"


def file(folder: Path, data: bytes) -> Path:
    path = folder / "any name"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("ir", [3, 8, 10])
def test_an_onnx_model_is_known_whatever_its_name(tmp_path: Path, ir: int) -> None:
    assert holds_onnx(file(tmp_path, graph_of(RELU, ir=ir).SerializeToString()))


def test_what_an_exporter_adds_keeps_a_model_known(tmp_path: Path) -> None:
    model = graph_of(RELU, arrays={"w": np.zeros(70_000, np.float32)})
    model.producer_name, model.doc_string, model.model_version = "somebody", "long" * 99, 1 << 40
    entry = model.metadata_props.add()
    entry.key, entry.value = "names", "{0: 'cow'}"
    assert holds_onnx(file(tmp_path, model.SerializeToString()))


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_model_that_is_cut_short_is_not_known(tmp_path: Path, kept: float) -> None:
    data = graph_of(RELU).SerializeToString()
    assert not holds_onnx(file(tmp_path, data[: int(len(data) * kept)]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08",
        b"\x08\x08",  # a version and nothing else
        b"one\ntwo\n",
        b"\x89HDF\r\n\x1a\n",
        b"PK\x03\x04",
        b"\x80\x04\x95",  # a pickle
        b"\x08\x01\x12\x06\x0a\x04\x22\x02v1",  # a SavedModel: its graph is in field 2
        b"\x0a\x08\x0a\x01x\x12\x03Add",  # a GraphDef
        b"\x08" + b"\xff" * 40,
    ],
    ids=range(10),
)
def test_other_files_are_not_taken_for_onnx(tmp_path: Path, data: bytes) -> None:
    assert not holds_onnx(file(tmp_path, data))


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert not holds_onnx(tmp_path / "pipe"), "it would wait for a writer"
    assert not holds_onnx(tmp_path)
    assert not holds_onnx(tmp_path / "absent")
    assert not holds_onnx(onnx.ModelProto())
