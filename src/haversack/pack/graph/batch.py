"""One photo at a time becomes any number at once, where the graph allows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

BATCH = "N"


def with_any_batch(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose first dimension is N at every input and output.

    Constant shapes of a Reshape that sees the input are loosened: a leading 1 becomes 0 ("as it
    is"), another leading constant -1, for shuffles that fold the batch into the channels. Whether
    that is right for a graph must be shown by running it.
    """
    loose = onnx.ModelProto()
    loose.CopyFrom(model)
    graph = loose.graph
    for value in (*graph.input, *graph.output):
        sides = value.type.tensor_type.shape.dim
        if sides:
            sides[0].Clear()
            sides[0].dim_param = BATCH
    for value in graph.output:
        for side in value.type.tensor_type.shape.dim[1:]:
            if side.dim_param == BATCH:
                side.Clear()
    del graph.value_info[:]
    constants = _constants(graph)
    for node in _nodes_after_input(graph):
        if node.op_type == "Reshape" and node.input[1] in constants:
            shape = _loosened(constants[node.input[1]])
            name = f"{node.output[0]}_haversack_shape"
            graph.initializer.append(numpy_helper.from_array(shape, name))
            node.input[1] = name
    return loose


def _loosened(shape: NDArray[Any]) -> NDArray[np.int64]:
    loosened = shape.astype(np.int64)
    if loosened[0] == 1:
        loosened[0] = 0
    elif loosened[0] > 1 and -1 not in loosened:
        loosened[0] = -1
    return loosened


def _constants(graph: onnx.GraphProto) -> dict[str, NDArray[Any]]:
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            known[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return known


def _nodes_after_input(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Nodes whose result depends on the photo: others only shape weights."""
    reached = {value.name for value in graph.input}
    after = []
    for node in graph.node:
        if reached.intersection(node.input):
            reached.update(node.output)
            after.append(node)
    return after
