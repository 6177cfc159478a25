"""ONNX text to a model, with arrays for what is too large to write out."""

from __future__ import annotations

from typing import Any

import onnx
import onnx.parser
from numpy.typing import NDArray
from onnx import numpy_helper

IR_VERSION = 8


def parse(
    text: str, *, opset: int, arrays: dict[str, NDArray[Any]] | None = None
) -> onnx.ModelProto:
    """A checked model from the text of one graph (`name (inputs) => (outputs) { nodes }`).

    Args:
        text: without the model's header, which is written here.
        opset: of the default domain.
        arrays: initializers by the names the text uses for them; the others are left out.
    """
    header = f'<ir_version: {IR_VERSION}, opset_import: ["": {opset}]>'
    model = onnx.parser.parse_model(f"{header}\n{text}")
    read = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(
        numpy_helper.from_array(array, name)
        for name, array in (arrays or {}).items()
        if name in read
    )
    onnx.checker.check_model(model)
    return model


def reduce(target: str, operator: str, source: str, axis: int, *, opset: int) -> str:
    """The text of `target = operator(source)` over one axis, which is dropped.

    The axis moved from an attribute to an input in opset 13 for ReduceSum, in 18 for the others.
    """
    if opset < (13 if operator == "ReduceSum" else 18):
        return f"{target} = {operator} <axes = [{axis}], keepdims = 0> ({source})"
    return f"""{target}_axis = Constant <value_ints = [{axis}]> ()
    {target} = {operator} <keepdims = 0> ({source}, {target}_axis)"""


def split(targets: str, source: str, sizes: tuple[int, ...], *, opset: int) -> str:
    """The text that splits the third axis of `source` into `targets` of these sizes.

    The sizes moved from an attribute to an input in opset 13.
    """
    listed = ", ".join(map(str, sizes))
    if opset < 13:
        return f"{targets} = Split <axis = 2, split = [{listed}]> ({source})"
    return f"""{source}_parts = Constant <value_ints = [{listed}]> ()
    {targets} = Split <axis = 2> ({source}, {source}_parts)"""
