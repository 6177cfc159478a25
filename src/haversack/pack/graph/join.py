"""prepare + network + head + suppress: one graph, model.onnx."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx.compose

from haversack.errors import ImportRefusedError
from haversack.pack.graph.network import keep_default_domain, opset_of
from haversack.pack.graph.prepare import NetworkInput
from haversack.packfile.manifest import Task

_OURS = "haversack/"
_SUPPRESS = "haversack/suppress/"
_BATCHED = "haversack/batched/"
_THEIRS = "network/"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What model.onnx of a pack for photos is joined from; `suppress` only for detect.

    `without_batch` names outputs that get one, where they leave the pack as they are.
    """

    prepare: onnx.ModelProto
    network: onnx.ModelProto
    wanted: NetworkInput
    head: onnx.ModelProto | None = None
    suppress: onnx.ModelProto | None = None
    without_batch: tuple[str, ...] = ()


def join(parts: Parts, *, name: str, task: Task) -> onnx.ModelProto:
    """One checked graph from pixels and placement to the task's outputs.

    Names inside get a prefix, ours and the network's apart; the edges of the whole get none.

    Raises:
        ImportRefusedError: `output-name-taken` where an output is named as an input of packs.
    """
    model = onnx.ModelProto()
    model.CopyFrom(parts.network)
    _prefix_names(model.graph)
    keep_default_domain(model)
    raw = [value.name for value in model.graph.output]
    front = _prefixed(parts.prepare)
    model = _merge(front, model, [(f"{_OURS}network", f"{_THEIRS}{parts.wanted.name}")])
    if parts.head is not None:
        back = _prefixed(parts.head)
        reads = [value.name for value in parts.head.graph.input]
        wires = [(raw[int(read.removeprefix("raw_"))], f"{_OURS}{read}") for read in reads]
        model = _merge(model, back, wires)
    if parts.suppress is not None:
        names = ("all_boxes", "all_scores", "all_classes", "placed")
        wires = [(f"{_OURS}{name}", f"{_SUPPRESS}{name}") for name in names]
        model = _merge(model, onnx.compose.add_prefix(parts.suppress, _SUPPRESS), wires)
    _add_batch(model, parts.without_batch)
    _name_edges(model)
    model.graph.name = f"{name} ({task})"
    model.producer_name = "haversack"
    del model.metadata_props[:]
    versions = {o.domain: o.version for o in model.opset_import}  # merging repeats them
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(*pair) for pair in versions.items())
    onnx.checker.check_model(model)
    return model


def _merge(
    first: onnx.ModelProto, second: onnx.ModelProto, wires: list[tuple[str, str]]
) -> onnx.ModelProto:
    for model in (first, second):
        del model.graph.value_info[:]
    keep = [v.name for v in first.graph.output if v.name not in {out for out, _ in wires}]
    passed = [name for name in keep if name == f"{_OURS}placed"]
    outputs = passed + [value.name for value in second.graph.output]
    return onnx.compose.merge_models(first, second, io_map=wires, outputs=outputs)


def _prefix_names(graph: onnx.GraphProto) -> None:
    """The network's names with a prefix, in the bodies of If and Loop too.

    onnx.compose.add_prefix forgets initializers that only such a body reads.
    """
    for node in graph.node:
        node.input[:] = [name and f"{_THEIRS}{name}" for name in node.input]
        node.output[:] = [name and f"{_THEIRS}{name}" for name in node.output]
        for attribute in node.attribute:
            bodies = [attribute.g] if attribute.HasField("g") else attribute.graphs
            for body in bodies:
                _prefix_names(body)
    sparse = [tensor.values for tensor in graph.sparse_initializer]
    values = (*graph.input, *graph.output, *graph.value_info, *graph.initializer, *sparse)
    for value in values:
        value.name = f"{_THEIRS}{value.name}"
    del graph.quantization_annotation[:]


def _add_batch(model: onnx.ModelProto, names: tuple[str, ...]) -> None:
    """Give outputs of the network that have no batch one of 1."""
    axes: dict[str, Any] = {"axes": [0]} if opset_of(model) < 13 else {}
    for value in model.graph.output:
        if value.name.removeprefix(_THEIRS) not in names:
            continue
        inputs = [value.name]
        if not axes:
            inputs.append(f"{value.name}/first")
            first = np.zeros(1, dtype=np.int64)
            model.graph.initializer.append(onnx.numpy_helper.from_array(first, inputs[1]))
        value.name = f"{_BATCHED}{value.name.removeprefix(_THEIRS)}"
        model.graph.node.append(onnx.helper.make_node("Unsqueeze", inputs, [value.name], **axes))
        shape = onnx.TensorShapeProto()
        shape.dim.add().dim_value = 1
        shape.dim.extend(value.type.tensor_type.shape.dim)
        value.type.tensor_type.shape.CopyFrom(shape)


def _prefixed(model: onnx.ModelProto) -> onnx.ModelProto:
    return onnx.compose.add_prefix(model, _OURS)


def _name_edges(model: onnx.ModelProto) -> None:
    """Bare names at the edges: pixels and placement in, the task's or the network's outputs out."""
    kept = [value for value in model.graph.output if value.name != f"{_OURS}placed"]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    edges = {f"{_OURS}pixels": "pixels", f"{_OURS}placement": "placement"}
    for value in model.graph.output:
        prefixes = (_SUPPRESS, _BATCHED, _OURS, _THEIRS)
        prefix = next(prefix for prefix in prefixes if value.name.startswith(prefix))
        name = value.name.removeprefix(prefix)
        if name in edges.values():
            raise ImportRefusedError(
                "output-name-taken",
                f"the network has an output {name!r}; a pack's own input has that name",
                hint="Export the model again with another name for this output.",
            )
        edges[value.name] = name
    for node in model.graph.node:
        node.input[:] = [edges.get(name, name) for name in node.input]
        node.output[:] = [edges.get(name, name) for name in node.output]
    for value in (*model.graph.input, *model.graph.output):
        value.name = edges.get(value.name, value.name)
