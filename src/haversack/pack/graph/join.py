"""prepare + network + head + suppress: one graph, model.onnx."""

from __future__ import annotations

from dataclasses import dataclass

import onnx
import onnx.compose

from haversack.pack.graph.network import keep_default_domain
from haversack.pack.graph.prepare import NetworkInput
from haversack.packfile.manifest import Task

_OURS = "haversack/"
_SUPPRESS = "haversack/suppress/"
_THEIRS = "network/"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What model.onnx of an image pack is joined from; `suppress` only for detect."""

    prepare: onnx.ModelProto
    network: onnx.ModelProto
    wanted: NetworkInput
    head: onnx.ModelProto | None = None
    suppress: onnx.ModelProto | None = None


def join(parts: Parts, *, name: str, task: Task) -> onnx.ModelProto:
    """One checked graph from pixels and placement to the task's outputs.

    Names inside get a prefix, ours and the network's apart; the edges of the whole get none.
    """
    model = onnx.compose.add_prefix(parts.network, _THEIRS)
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
    _name_edges(model)
    model.graph.name = f"{name} ({task})"
    model.producer_name = "haversack"
    del model.metadata_props[:]
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


def _prefixed(model: onnx.ModelProto) -> onnx.ModelProto:
    return onnx.compose.add_prefix(model, _OURS)


def _name_edges(model: onnx.ModelProto) -> None:
    """Bare names at the edges: pixels and placement in, the task's or the network's outputs out."""
    edges = {f"{_OURS}pixels": "pixels", f"{_OURS}placement": "placement"}
    for value in model.graph.output:
        prefixes = (_SUPPRESS, _OURS, _THEIRS)
        prefix = next(prefix for prefix in prefixes if value.name.startswith(prefix))
        edges[value.name] = value.name.removeprefix(prefix)
    for node in model.graph.node:
        node.input[:] = [edges.get(name, name) for name in node.input]
        node.output[:] = [edges.get(name, name) for name in node.output]
    for value in (*model.graph.input, *model.graph.output):
        value.name = edges.get(value.name, value.name)
    kept = [value for value in model.graph.output if value.name != f"{_OURS}placed"]
    del model.graph.output[:]
    model.graph.output.extend(kept)
