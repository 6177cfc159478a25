"""The network as its author gave it: cleaned, and understood at its edges."""

from __future__ import annotations

import onnx
import onnx.inliner
from onnx import TensorProto

from haversack.errors import ImportRefusedError
from haversack.pack.graph.prepare import Layout, NetworkInput
from haversack.pack.graph.text import IR_VERSION

_OPSET_UNUSED = 18
_DATATYPES = {
    TensorProto.FLOAT: "FP32",
    TensorProto.FLOAT16: "FP16",
    TensorProto.DOUBLE: "FP64",
    TensorProto.UINT8: "UINT8",
}


def cleaned(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model` as every later step expects it, changed in place: functions inlined, inputs clean.

    Initializers that are also listed as inputs block constant folding: they are stripped from the
    inputs, which ir_version 4 and later allow.

    Raises:
        ImportRefusedError: `outputs-unknown` where an edge is no tensor.
    """
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    _refuse_other_types(model)
    constants = {tensor.name for tensor in model.graph.initializer}
    fed = [value for value in model.graph.input if value.name not in constants]
    del model.graph.input[:]
    model.graph.input.extend(fed)
    model.ir_version = IR_VERSION
    if not any(o.domain in ("", "ai.onnx") for o in model.opset_import):
        # Every operator is of another domain, such as ai.onnx.ml: any version is true.
        model.opset_import.append(onnx.helper.make_opsetid("", _OPSET_UNUSED))
    return model


def _refuse_other_types(model: onnx.ModelProto) -> None:
    for value in (*model.graph.input, *model.graph.output):
        if not value.type.HasField("tensor_type"):
            raise ImportRefusedError(
                "outputs-unknown",
                f"{value.name} is a {value.type.WhichOneof('value') or 'value without a type'}; "
                "packs hold graphs of tensors",
                hint="Export without sequences and maps; with skl2onnx, options={'zipmap': False}.",
            )


def opset_of(model: onnx.ModelProto) -> int:
    """The version of the default operator set."""
    return int(next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")))


def keep_default_domain(model: onnx.ModelProto) -> None:
    """Drop imported domains that no node uses: joining needs equal imports."""
    used = {node.domain for node in model.graph.node} | {""}
    kept = [o for o in model.opset_import if o.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)


def photo_input(model: onnx.ModelProto, size: tuple[int, int] | None) -> NetworkInput:
    """The one input, read as a photo.

    Args:
        size: (width, height) for graphs whose sides vary.

    Raises:
        ImportRefusedError: `input-unknown` where there is not one input of 1 or 3 channels;
            `input-size-unknown` where its sides vary and no size was given, or another is fixed.
    """
    inputs = model.graph.input
    seen = "; ".join(f"{value.name} {_sides(value)}" for value in inputs)
    layout = _layout(_sides(inputs[0])) if len(inputs) == 1 else None
    datatype = _DATATYPES.get(inputs[0].type.tensor_type.elem_type) if inputs else None
    if layout is None or datatype is None:
        raise ImportRefusedError(
            "input-unknown",
            f"a photo was expected, [N,3,h,w] or [N,h,w,3] in floats or uint8; the graph takes "
            f"{seen}",
            hint="For a graph that takes something else give --head none --geometry none.",
        )
    sides = dict(zip(layout, _sides(inputs[0]), strict=True))
    width, height = _resolve_size(sides["W"], sides["H"], size)
    return NetworkInput(
        name=inputs[0].name,
        layout=layout,
        datatype=datatype,
        width=width,
        height=height,
        channels=sides["C"],
    )


def _resolve_size(width: int, height: int, size: tuple[int, int] | None) -> tuple[int, int]:
    wanted = size or (width, height)
    fixed = all(own in (-1, given) for own, given in zip((width, height), wanted, strict=True))
    if min(wanted) < 1 or not fixed:
        own = "x".join("any" if side < 0 else str(side) for side in (width, height))
        asked = "x".join(str(side) for side in size) if size else "none"
        raise ImportRefusedError(
            "input-size-unknown",
            f"the graph takes photos of {own} pixels (width x height), and --size gave {asked}",
            hint="Give --size WIDTHxHEIGHT as the model was trained, for example --size 640x640.",
        )
    return wanted


def _layout(sides: list[int]) -> Layout | None:
    by_rank: dict[int, tuple[tuple[Layout, int], ...]] = {
        4: (("NCHW", 1), ("NHWC", 3)),
        3: (("CHW", 0), ("HWC", 2)),
    }
    for layout, place in by_rank.get(len(sides), ()):
        if sides[place] in (1, 3):
            return layout
    return None


def _sides(value: onnx.ValueInfoProto) -> list[int]:
    dimensions = value.type.tensor_type.shape.dim
    return [d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else -1 for d in dimensions]


def fix_size(model: onnx.ModelProto, wanted: NetworkInput, batch: int | None) -> None:
    """Write the photo's sides into the graph's input, and the batch where it is a number."""
    sides = {"C": wanted.channels, "H": wanted.height, "W": wanted.width}
    if batch is not None:
        sides["N"] = batch
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    for letter, dimension in zip(wanted.layout, dimensions, strict=True):
        if letter in sides:
            dimension.Clear()
            dimension.dim_value = sides[letter]
