"""The scan of an ONNX file's bytes says what the onnx package says, and nothing breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
import onnx.helper as oh
import onnx.parser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto
from tests.unit.packfile.conftest import MODEL, model_bytes

from haversack.errors import PackError
from haversack.packfile.graphscan import DEPTH_LIMIT, GraphScan, scan

DATA = Path(__file__).parents[4] / "shared" / "data" / "models"
REAL_MODELS = sorted(DATA.rglob("*.onnx"))
VALUE = oh.make_tensor_value_info("x", TensorProto.FLOAT, ["N", None, 3])


def nodes_of(nodes: list[NodeProto]) -> Iterator[NodeProto]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            graphs = [attribute.g] if attribute.type == AttributeProto.GRAPH else []
            for graph in [*graphs, *attribute.graphs]:
                yield from nodes_of(list(graph.node))


def check_against_onnx(model: ModelProto) -> GraphScan:
    found = scan(model.SerializeToString())
    stored = {tensor.name for tensor in model.graph.initializer}
    stored |= {tensor.values.name for tensor in model.graph.sparse_initializer}
    all_nodes = list(nodes_of(list(model.graph.node)))
    for function in model.functions:
        all_nodes += nodes_of(list(function.node))
    assert found.ir_version == model.ir_version
    assert found.opset_imports == {entry.domain: entry.version for entry in model.opset_import}
    assert found.domains == {node.domain for node in all_nodes} | {
        function.domain for function in model.functions
    }
    assert [spec.name for spec in found.inputs] == [
        value.name for value in model.graph.input if value.name not in stored
    ]
    assert [spec.name for spec in found.outputs] == [value.name for value in model.graph.output]
    for spec, value in zip(found.outputs, model.graph.output, strict=True):
        assert spec.shape == tuple(
            side.dim_value if side.HasField("dim_value") else -1
            for side in value.type.tensor_type.shape.dim
        )
    return found


def graph_model(
    graph: GraphProto, *, functions: list[onnx.FunctionProto] | None = None
) -> ModelProto:
    return oh.make_model(
        graph, functions=functions or [], ir_version=8, opset_imports=[oh.make_opsetid("", 18)]
    )


def external(location: str | None) -> TensorProto:
    tensor = TensorProto(name="far", data_type=TensorProto.FLOAT, dims=[3])
    tensor.data_location = TensorProto.EXTERNAL
    if location is not None:
        tensor.external_data.add(key="location", value=location)
        tensor.external_data.add(key="offset", value="0")
    return tensor


def nested(depth: int) -> ModelProto:
    graph = oh.make_graph([oh.make_node("Relu", ["x"], ["y"], domain="deepest")], "g", [], [])
    for _ in range(depth):
        graph = oh.make_graph([oh.make_node("If", ["c"], ["y"], then_branch=graph)], "g", [], [])
    return graph_model(graph)


def test_real_models_scan_as_onnx_reads_them() -> None:
    for path in REAL_MODELS:
        found = check_against_onnx(onnx.load(path, load_external_data=False))
        assert found.external_data == frozenset()
        assert found.domains == {""}


def test_named_and_missing_dimensions_are_minus_one() -> None:
    node = oh.make_node("Identity", ["x"], ["y"])
    bare = oh.make_tensor_value_info("y", TensorProto.BOOL, None)
    found = scan(graph_model(oh.make_graph([node], "g", [VALUE], [bare])).SerializeToString())
    assert str(found.inputs[0]) == "x FP32[?,?,3]"
    assert (found.outputs[0].datatype, found.outputs[0].shape) == ("BOOL", ())


def test_value_that_is_no_tensor_shows_its_kind() -> None:
    value = oh.make_tensor_sequence_value_info("s", TensorProto.FLOAT, [2])
    found = scan(graph_model(oh.make_graph([], "g", [value], [])).SerializeToString())
    assert found.inputs[0].datatype == "SEQUENCE"


def test_domains_of_subgraphs_and_local_functions_are_found() -> None:
    branch = oh.make_graph([oh.make_node("Odd", [], ["y"], domain="in.branch")], "b", [], [])
    body = [oh.make_node("Even", ["a"], ["b"], domain="in.function")]
    function = oh.make_function("local", "Own", ["a"], ["b"], body, [oh.make_opsetid("", 18)])
    node = oh.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    model = graph_model(oh.make_graph([node], "g", [], []), functions=[function])
    assert check_against_onnx(model).domains == {"", "in.branch", "in.function", "local"}


def test_external_tensors_are_found_wherever_they_are() -> None:
    branch = oh.make_graph([], "b", [], [], initializer=[external("branch.bin")])
    sparse = onnx.SparseTensorProto(values=external("sparse.bin"), indices=external("at.bin"))
    nodes = [
        oh.make_node("If", ["c"], ["y"], then_branch=branch),
        oh.make_node("Constant", [], ["k"], value=external("attribute.bin")),
        oh.make_node("Constant", [], ["j"], sparse_value=sparse),
    ]
    body = [oh.make_node("Constant", [], ["b"], value=external("function.bin"))]
    function = oh.make_function("local", "Own", [], ["b"], body, [oh.make_opsetid("", 18)])
    graph = oh.make_graph(nodes, "g", [], [], initializer=[external("top.bin"), external(None)])
    graph.sparse_initializer.add(values=external("initial.bin"))
    found = check_against_onnx(graph_model(graph, functions=[function]))
    assert found.external_data == {
        "branch.bin", "sparse.bin", "at.bin", "attribute.bin", "function.bin", "top.bin",
        "initial.bin", "",
    }  # fmt: skip


def test_initializers_listed_as_inputs_are_left_out() -> None:
    weight = oh.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    thin = oh.make_sparse_tensor(
        oh.make_tensor("thin", TensorProto.FLOAT, [1], [1.0]),
        oh.make_tensor("at", TensorProto.INT64, [1], [0]),
        [3],
    )
    values = [oh.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("w", "thin")]
    graph = oh.make_graph([], "g", [VALUE, *values], [], initializer=[weight])
    graph.sparse_initializer.append(thin)
    assert [spec.name for spec in check_against_onnx(graph_model(graph)).inputs] == ["x"]


def test_graphs_nested_too_deep_are_refused() -> None:
    assert scan(nested(DEPTH_LIMIT).SerializeToString()).domains == {"", "deepest"}
    with pytest.raises(PackError, match="deep") as caught:
        scan(nested(DEPTH_LIMIT + 1).SerializeToString())
    assert caught.value.code == "graph-unreadable"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no graph"),
        (b"\x3a", "cut short"),
        (b"\x3a\x05ab", "announced"),
        (b"\x3a" + b"\xff" * 9 + b"\x01", "announced"),
        (b"\x08" + b"\xff" * 10 + b"\x01", "64 bits"),
        (b"\x08" + b"\xff" * 9 + b"\x7f", "64 bits"),
        (b"\x00\x01", "does not exist"),
        (b"\x0b\x0c", "wire type"),
        (b"\x38\x01", "should hold bytes"),
        (b"\x3a\x00\x3a\x00", "twice"),
        (b"\x0d\x00\x00\x00\x00\x3a\x00", "should be a number"),
        (b"\x3a\x04\x5a\x02\x0a\xff", "cut short"),
        (b"\x3a\x05\x5a\x03\x0a\x01\xff", "UTF-8"),
        (MODEL[:-1], "announced"),
    ],
)  # fmt: skip
def test_malformed_bytes_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(PackError, match=why) as caught:
        scan(data)
    assert caught.value.code == "graph-unreadable"


SEEDS = [
    MODEL,
    model_bytes('<ir_version: 8, opset_import: ["" : 18]> g (float[N] x) => (float[N] y)'
                "{ y = Relu(x) }"),
    nested(3).SerializeToString(),
]  # fmt: skip
EDITS = st.lists(
    st.tuples(
        st.integers(0, 4000), st.sampled_from(["set", "drop", "insert"]), st.integers(0, 255)
    ),
    min_size=1,
    max_size=8,
)


@given(st.sampled_from(SEEDS), EDITS)
def test_mutated_models_scan_or_are_refused(seed: bytes, edits: list[tuple[int, str, int]]) -> None:
    data = bytearray(seed)
    for place, edit, byte in edits:
        at = place % max(len(data), 1)
        data[at : at + (edit != "insert")] = b"" if edit == "drop" else bytes([byte])
    check_no_other_error(bytes(data))


@given(st.binary(max_size=400))
def test_random_bytes_scan_or_are_refused(data: bytes) -> None:
    check_no_other_error(data)
    check_no_other_error(b"\x3a" + bytes([len(data) & 0x7F]) + data)


def check_no_other_error(data: bytes) -> None:
    code = ""
    try:
        scan(data)
    except PackError as error:
        code = error.code
    assert code in ("", "graph-unreadable")
