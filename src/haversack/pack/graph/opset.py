"""Opset conversion, done only where a head needs it and believed only where it is shown."""

from __future__ import annotations

import onnx
from onnx import version_converter

from haversack.errors import ImportRefusedError
from haversack.pack.graph.network import opset_of

# uint8 antialias needs exactly 18, and newer Resize and GridSample fall back to the CPU on CUDA.
HIGHEST = 18


def at_opset(network: onnx.ModelProto, lowest: int) -> onnx.ModelProto:
    """The network at an opset from `lowest` to 18; the same object where it is there already.

    The converter is silently wrong for old Upsample and Resize: it leaves the new Resize at
    half-pixel centres, and 4 % of DeepLab's labels change while the full checker passes. What
    those operators meant is written back: asymmetric coordinates, rounded down. The caller still
    has to compare outputs on real samples.

    Raises:
        ImportRefusedError: `opset-unsupported` where the converter gives up.
    """
    own = opset_of(network)
    target = min(max(own, lowest), HIGHEST)
    if own == target:
        return network
    try:
        converted = version_converter.convert_version(network, target)
    except Exception as fault:  # the converter raises RuntimeError and its own kinds
        raise ImportRefusedError(
            "opset-unsupported",
            f"the graph has opset {own}; {lowest} to {HIGHEST} is needed, and the conversion "
            f"failed: {str(fault).splitlines()[0][:200]}",
            hint="Export the model again with opset_version=18.",
        ) from fault
    if own < 11 <= target:
        _keep_old_resize(converted)
    return converted


def _keep_old_resize(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        if node.op_type != "Resize":
            continue
        kept = [
            attribute
            for attribute in node.attribute
            if attribute.name not in ("coordinate_transformation_mode", "nearest_mode")
        ]
        del node.attribute[:]
        node.attribute.extend(kept)
        node.attribute.append(
            onnx.helper.make_attribute("coordinate_transformation_mode", "asymmetric")
        )
        node.attribute.append(onnx.helper.make_attribute("nearest_mode", "floor"))
