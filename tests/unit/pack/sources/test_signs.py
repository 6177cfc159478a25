"""A model is known by its content, whatever its name is, and nothing waits for what is no file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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
        b"\x08\x08\x3a" + b"\xff" * 9 + b"\x01",  # a graph of 2**64 - 1 bytes
        b"\x08\x08\x3a" + b"\xff" * 9 + b"\x7f",  # a length of more than 64 bits
        b"\x08\x08\x10" + b"\xff" * 9 + b"\x7f\x3a\x00",  # a number of more than 64 bits
    ],
    ids=range(13),
)
def test_other_files_are_not_taken_for_onnx(tmp_path: Path, data: bytes) -> None:
    assert not holds_onnx(file(tmp_path, data))


def varint(number: int) -> bytes:
    parts = [number >> shift & 0x7F for shift in range(0, max(number.bit_length(), 1), 7)]
    return bytes([*(part | 0x80 for part in parts[:-1]), parts[-1]])


@given(
    fields=st.lists(
        st.tuples(
            st.sampled_from([0x08, 0x3A, 0x0A, 0x39, 0x3D, 0x3B]),
            st.integers(0, 200) | st.integers(2**62, 2**77),
        ),
        max_size=3,
    ),
    rest=st.binary(max_size=20),
)
@settings(max_examples=100, deadline=None)
def test_no_bytes_stop_the_looking(fields: list[tuple[int, int]], rest: bytes) -> None:
    data = b"\x08\x08" + b"".join(bytes([tag]) + varint(number) for tag, number in fields) + rest
    with tempfile.TemporaryDirectory() as folder:
        assert holds_onnx(file(Path(folder), data)) in (True, False)


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert not holds_onnx(tmp_path / "pipe"), "it would wait for a writer"
    assert not holds_onnx(tmp_path)
    assert not holds_onnx(tmp_path / "absent")
    assert not holds_onnx(onnx.ModelProto())
