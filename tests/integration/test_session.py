from __future__ import annotations

import gc
import weakref

import numpy as np
import onnx.parser
import pytest

from haversack.engine.ort import load_libraries, open_session
from haversack.engine.session import Array, SessionOptions
from haversack.errors import EngineError, Kind
from haversack.packfile.signature import TensorSpec

DOUBLE = bytes(
    onnx.parser.parse_model("""
    <ir_version: 8, opset_import: ["" : 13]>
    double (float[N,3] x, uint8[2] unused) => (float[N,3] y) { y = Add(x, x) }
    """).SerializeToString()
)


def test_a_session_tells_names_datatypes_and_shapes_with_minus_one_for_what_varies() -> None:
    signature = open_session(DOUBLE, SessionOptions()).signature
    assert signature.inputs == (
        TensorSpec(name="x", datatype="FP32", shape=(-1, 3)),
        TensorSpec(name="unused", datatype="UINT8", shape=(2,)),
    )
    assert signature.outputs == (TensorSpec(name="y", datatype="FP32", shape=(-1, 3)),)


def test_running_changes_no_input_and_gives_outputs_by_name() -> None:
    x = np.ones((2, 3), dtype=np.float32)
    inputs: dict[str, Array] = {"x": x, "unused": np.zeros(2, dtype=np.uint8)}
    outputs = open_session(DOUBLE, SessionOptions(threads=1)).run(inputs)
    assert outputs["y"].tolist() == [[2, 2, 2]] * 2
    assert (x == 1).all()


def test_an_input_that_does_not_fit_is_an_error_of_ours() -> None:
    session = open_session(DOUBLE, SessionOptions())
    with pytest.raises(EngineError) as caught:
        session.run({"x": np.ones((2, 4), dtype=np.float32), "unused": np.zeros(2, dtype=np.uint8)})
    assert caught.value.code == "run-failed"


def test_a_device_that_is_not_there_is_refused_and_not_replaced() -> None:
    with pytest.raises(EngineError) as caught:
        open_session(DOUBLE, SessionOptions(device="cuda"))
    assert caught.value.code == "device-missing"
    assert caught.value.kind is Kind.UNAVAILABLE
    assert "CPU" in caught.value.message


def test_what_the_search_for_cuda_prints_stays_out_of_the_records(
    capsys: pytest.CaptureFixture[str],
) -> None:
    load_libraries(lambda: print("Failed to load libcudnn.so.9"))
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "Failed to load libcudnn.so.9\n")


@pytest.mark.gpu
def test_cuda_gives_what_the_cpu_gives() -> None:
    x: dict[str, Array] = {
        "x": np.ones((2, 3), dtype=np.float32),
        "unused": np.zeros(2, dtype=np.uint8),
    }
    assert open_session(DOUBLE, SessionOptions(device="cuda")).run(x)["y"].tolist() == [[2] * 3] * 2


def test_bytes_that_are_no_graph_are_refused_with_the_runtimes_words() -> None:
    with pytest.raises(EngineError) as caught:
        open_session(b"not a graph", SessionOptions())
    assert caught.value.code == "graph-refused"


def test_a_dropped_session_frees_its_graph() -> None:
    session = open_session(DOUBLE, SessionOptions())
    signature, gone = session.signature, weakref.ref(session._session)
    del session
    gc.collect()
    assert gone() is None, "a signature must not keep the session it came from"
    assert signature.inputs
