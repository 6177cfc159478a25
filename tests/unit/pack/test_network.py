"""A network is read as its author gave it, cleaned, and refused where it cannot be understood."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.unit.pack.conftest import graph_of, run, saved

from haversack.errors import ImportRefusedError
from haversack.pack.graph.network import fix_size, photo_input
from haversack.pack.importers.onnx import read_network

RELU = "net (float[1,3,4,6] x) => (float[1,3,4,6] y) { y = Relu (x) }"
FUNCTION = """
<ir_version: 8, opset_import: ["" : 13, "local" : 1]>
net (float[1,3,4,6] x) => (float[1,3,4,6] y) { y = local.twice (x) }
<domain: "local", opset_import: ["" : 13]>
twice (a) => (b) { b = Add (a, a) }
"""


def of(sides: str, kind: str = "float") -> onnx.ModelProto:
    return graph_of(f"net ({kind}[{sides}] x) => ({kind}[{sides}] y) {{ y = Identity (x) }}")


def refused(model: onnx.ModelProto, size: tuple[int, int] | None = None) -> ImportRefusedError:
    with pytest.raises(ImportRefusedError) as caught:
        photo_input(model, size)
    return caught.value


def test_initializers_listed_as_inputs_are_stripped(tmp_path: Path) -> None:
    model = graph_of(
        "net (float[1,3,4,6] x, float[1] w) => (float[1,3,4,6] y) { y = Mul (x, w) }",
        ir=3,
        arrays={"w": np.array([2], np.float32)},
    )
    read = read_network(saved(model, tmp_path))
    assert [value.name for value in read.graph.input] == ["x"]
    x = np.ones((1, 3, 4, 6), np.float32)
    assert (run(read, x=x)["y"] == 2).all()


def test_local_functions_are_inlined(tmp_path: Path) -> None:
    read = read_network(saved(onnx.parser.parse_model(FUNCTION), tmp_path))
    assert not read.functions
    assert {node.op_type for node in read.graph.node} == {"Add"}
    x = np.ones((1, 3, 4, 6), np.float32)
    assert (run(read, x=x)["y"] == 2).all()


def external(folder: Path) -> Path:
    weights = np.arange(5000, dtype=np.float32)
    model = graph_of("net (float[5000] x) => (float[5000] y) { y = Add (x, w) }", arrays={})
    model.graph.initializer.append(numpy_helper.from_array(weights, "w"))
    path = folder / "network.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path


def test_external_data_is_loaded_into_the_graph(tmp_path: Path) -> None:
    path = external(tmp_path)
    read = read_network(path)
    (tmp_path / "weights.bin").unlink()
    got = run(read, x=np.zeros(5000, np.float32))["y"]
    np.testing.assert_array_equal(got, np.arange(5000))


def test_missing_external_data_is_refused(tmp_path: Path) -> None:
    path = external(tmp_path)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ImportRefusedError, match="weights") as caught:
        read_network(path)
    assert caught.value.code == "model-unreadable"
    assert "external data" in caught.value.hint


@pytest.mark.parametrize(
    "data", [b"", b"not a model", b"\x80\x02}q\x00.", b"\x08\x08"], ids=range(4)
)
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(data)
    with pytest.raises(ImportRefusedError, match=r"network\.onnx") as caught:
        read_network(path)
    assert caught.value.code == "model-unreadable"


@pytest.mark.parametrize("name", ["absent.onnx", ""])
def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImportRefusedError) as caught:
        read_network(tmp_path / name)
    assert caught.value.code == "model-unreadable"


def test_a_truncated_model_is_refused(tmp_path: Path) -> None:
    path = saved(graph_of(RELU), tmp_path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ImportRefusedError) as caught:
        read_network(path)
    assert caught.value.code == "model-unreadable"


def test_a_graph_of_other_domains_alone_is_read(tmp_path: Path) -> None:
    node = helper.make_node("Scaler", ["x"], ["y"], domain="ai.onnx.ml", offset=[0.0], scale=[2.0])
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 4]) for n in "xy"]
    graph = helper.make_graph([node], "scaler", value[:1], value[1:])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 1)], ir_version=6
    )
    read = read_network(saved(model, tmp_path))
    got = run(read, x=np.ones((2, 4), np.float32))["y"]
    np.testing.assert_array_equal(got, np.full((2, 4), 2))


@pytest.mark.parametrize(
    ("sides", "layout", "channels"),
    [
        ("1,3,4,6", "NCHW", 3),
        ("N,3,4,6", "NCHW", 3),
        ("1,1,4,6", "NCHW", 1),
        ("1,4,6,3", "NHWC", 3),
        ("1,4,6,1", "NHWC", 1),
        ("3,4,6", "CHW", 3),
        ("4,6,3", "HWC", 3),
    ],
)
def test_the_layout_is_told_from_the_shape(sides: str, layout: str, channels: int) -> None:
    found = photo_input(of(sides), None)
    assert (found.layout, found.channels) == (layout, channels)
    assert (found.width, found.height) == (6, 4)
    assert (found.datatype, found.batch) == ("FP32", "1")


@pytest.mark.parametrize(
    ("kind", "datatype"),
    [("float16", "FP16"), ("double", "FP64"), ("uint8", "UINT8"), ("float", "FP32")],
)
def test_the_datatype_is_told(kind: str, datatype: str) -> None:
    assert photo_input(of("1,3,4,6", kind), None).datatype == datatype


@pytest.mark.parametrize(
    ("sides", "kind"),
    [
        ("1,4,5,6", "float"),
        ("1,2,5,6", "float"),
        ("1,6", "float"),
        ("1,1,3,4,6", "float"),
        ("1,3,4,6", "int64"),
        ("N,C,H,W", "float"),
    ],
)
def test_an_input_that_is_no_photo_is_refused_with_its_shape(sides: str, kind: str) -> None:
    fault = refused(of(sides, kind))
    assert fault.code == "input-unknown"
    assert "x [" in fault.message
    assert "--geometry none" in fault.hint


def test_two_inputs_or_none_are_refused_with_their_names() -> None:
    two = "net (float[1,3,4,6] x, float[1,2] size) => (float[1,3,4,6] y) { y = Relu (x) }"
    fault = refused(graph_of(two))
    assert fault.code == "input-unknown"
    assert "x [1, 3, 4, 6]" in fault.message
    assert "size [1, 2]" in fault.message
    none = "net () => (float y) { y = Constant <value_float = 1.0> () }"
    assert refused(graph_of(none)).code == "input-unknown"


@pytest.mark.parametrize("sides", ["1,3,H,W", "N,H,W,3", "3,4,W"])
def test_sides_that_vary_need_a_size(sides: str) -> None:
    fault = refused(of(sides))
    assert fault.code == "input-size-unknown"
    assert "any" in fault.message
    assert "--size WIDTHxHEIGHT" in fault.hint


def test_a_size_fills_the_sides_that_vary_and_is_written_into_the_graph() -> None:
    model = of("N,3,H,W")
    found = photo_input(model, (6, 4))
    assert (found.width, found.height) == (6, 4)
    fix_size(model, found, 1)
    sides = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert sides == [1, 3, 4, 6]


def test_a_size_that_equals_fixed_sides_is_accepted_and_another_refused() -> None:
    assert photo_input(of("1,3,4,6"), (6, 4)).width == 6
    fault = refused(of("1,3,4,6"), (4, 6))
    assert fault.code == "input-size-unknown"
    assert "6x4" in fault.message
    assert "4x6" in fault.message


def test_a_size_of_nothing_is_refused() -> None:
    assert refused(of("1,3,H,W"), (0, 4)).code == "input-size-unknown"
