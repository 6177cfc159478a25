"""Which importer reads a source: by content first, by name where content says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.pack.conftest import graph_of, saved

from haversack.errors import ImportRefusedError
from haversack.pack.importers import onnx as onnx_importer
from haversack.pack.importers.importer import Importer
from haversack.pack.sources.table import SOURCES, SourceRow, find_source, importer_of

RELU = "net (float[1,3,4,6] x) => (float[1,3,4,6] y) { y = Relu (x) }"
ONNX = SOURCES[0]


def row(sign: bytes, suffix: str = "") -> SourceRow:
    def recognises(source: object) -> bool:
        return isinstance(source, Path) and source.is_file() and sign in source.read_bytes()

    return SourceRow(expects="it", module="none", extra="", recognises=recognises, suffix=suffix)


def refused(source: object) -> ImportRefusedError:
    with pytest.raises(ImportRefusedError) as caught:
        find_source(source)
    return caught.value


def test_content_is_asked_before_the_name(tmp_path: Path) -> None:
    path = tmp_path / "model.one"
    path.write_bytes(b"...two...")
    one, two = row(b"one", ".one"), row(b"two", ".two")
    assert find_source(path, (one, two)) is two
    path.write_bytes(b"")
    assert find_source(path, (two, one)) is one


def test_an_onnx_model_of_another_name_is_read(tmp_path: Path) -> None:
    path = saved(graph_of(RELU), tmp_path).rename(tmp_path / "model.bin")
    assert find_source(path) is ONNX


def test_a_broken_onnx_file_is_its_importers_to_refuse(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no graph")
    assert find_source(path) is ONNX


@pytest.mark.parametrize("name", ["weights.pth", "model.pb", "model.ONNX", "onnx", ".onnx"])
def test_what_nobody_recognises_is_refused_with_what_was_expected(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"no graph")
    fault = refused(path)
    assert fault.code == "source-unknown"
    assert fault.message == f"an .onnx file was expected, received {path}"
    assert "torch.onnx.export" in fault.hint


def test_an_object_that_nobody_recognises_is_refused() -> None:
    fault = refused({"a": 1})
    assert fault.code == "source-unknown"
    assert "received {'a': 1}" in fault.message


def test_a_source_that_is_not_there_is_called_missing(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.onnx", tmp_path):
        fault = refused(path)
        assert fault.code == "source-missing"
        assert fault.message == f"there is no file {path}"


def test_every_row_leads_to_an_importer() -> None:
    importer: Importer = onnx_importer  # mypy holds the module to the Protocol
    assert importer_of(ONNX) is importer
    for source in SOURCES:
        assert callable(importer_of(source).read)
