"""What an ONNX file asks for and offers, read from its bytes without the onnx package.

Field numbers are those of onnx.proto. Tensor payloads are stepped over, never copied.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (ONNX 1.19)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from haversack.packfile import graphtypes
from haversack.packfile.signature import Signature, TensorSpec
from haversack.packfile.wire import fields, unreadable

DEPTH_LIMIT = 32
"""Graphs inside graphs; exporters write two or three."""


@dataclass(frozen=True, kw_only=True)
class GraphScan:
    """The facts of one ONNX file that decide whether a pack may hold it.

    Attributes:
        ir_version: of the file.
        opset_imports: the version asked of each domain ("" is ai.onnx).
        domains: of every node in the graph, in subgraphs and in local functions, and of the local
            functions themselves.
        external_data: the locations of tensors stored outside the file, as written; "" for a
            tensor that is outside and does not say where.
        inputs: those a caller must give: initializers are left out. In the graph's order.
        outputs: in the graph's order.
    """

    ir_version: int
    opset_imports: dict[str, int]
    domains: frozenset[str]
    external_data: frozenset[str]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    @property
    def signature(self) -> Signature:
        """Inputs and outputs as a manifest writes them."""
        return Signature(inputs=self.inputs, outputs=self.outputs)


@dataclass(kw_only=True)
class _Found:
    """What the walk has met so far, anywhere in the file."""

    domains: set[str] = field(default_factory=set)
    external: set[str] = field(default_factory=set)


def scan(data: bytes | memoryview) -> GraphScan:
    """The facts of the ONNX model in `data`, in time linear in its number of fields.

    Raises:
        PackError: `graph-unreadable` for bytes that are no ONNX model, whatever they are.
    """
    found = _Found()
    ir_version, graph = 0, None
    opsets: dict[str, int] = {}
    for entry in fields(memoryview(data).cast("B"), frozenset({1, 7})):
        if entry.number == 1:
            ir_version = entry.integer()
        elif entry.number == 7:
            graph = entry.message()
        elif entry.number == 8:
            domain, version = _opset(entry.message())
            opsets[domain] = version
        elif entry.number == 20:
            _training(entry.message(), found)
        elif entry.number == 25:
            _function(entry.message(), found)
    if graph is None:
        raise unreadable("there is no graph in it")
    inputs, outputs = _graph(graph, found, depth=0)
    return GraphScan(
        ir_version=ir_version,
        opset_imports=opsets,
        domains=frozenset(found.domains),
        external_data=frozenset(found.external),
        inputs=inputs,
        outputs=outputs,
    )


def _opset(message: memoryview) -> tuple[str, int]:
    domain, version = "", 0
    for entry in fields(message, frozenset({1, 2})):
        if entry.number == 1:
            domain = entry.text()
        elif entry.number == 2:
            version = entry.integer()
    return domain, version


def _graph(
    message: memoryview, found: _Found, *, depth: int
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Walk one GraphProto; its inputs that are no initializers, and its outputs."""
    if depth > DEPTH_LIMIT:
        raise unreadable(f"graphs are nested more than {DEPTH_LIMIT} deep")
    inputs: list[TensorSpec] = []
    outputs: list[TensorSpec] = []
    stored: set[str] = set()
    for entry in fields(message):
        if entry.number == 1:
            _node(entry.message(), found, depth=depth)
        elif entry.number == 5:
            stored.add(_tensor(entry.message(), found))
        elif entry.number == 15:
            stored.add(_sparse_tensor(entry.message(), found))
        elif entry.number == 11:
            inputs.append(graphtypes.value_info(entry.message()))
        elif entry.number == 12:
            outputs.append(graphtypes.value_info(entry.message()))
    return tuple(spec for spec in inputs if spec.name not in stored), tuple(outputs)


def _node(message: memoryview, found: _Found, *, depth: int) -> None:
    domain = ""
    for entry in fields(message, frozenset({7})):
        if entry.number == 5:
            _attribute(entry.message(), found, depth=depth)
        elif entry.number == 7:
            domain = entry.text()
    found.domains.add(domain)


def _attribute(message: memoryview, found: _Found, *, depth: int) -> None:
    for entry in fields(message, frozenset({5, 6, 22})):
        if entry.number in (5, 10):
            _tensor(entry.message(), found)
        elif entry.number in (6, 11):
            _graph(entry.message(), found, depth=depth + 1)
        elif entry.number in (22, 23):
            _sparse_tensor(entry.message(), found)


def _function(message: memoryview, found: _Found) -> None:
    domain = ""
    for entry in fields(message, frozenset({10})):
        if entry.number == 7:
            _node(entry.message(), found, depth=0)
        elif entry.number == 10:
            domain = entry.text()
        elif entry.number == 11:
            _attribute(entry.message(), found, depth=0)
    found.domains.add(domain)


def _training(message: memoryview, found: _Found) -> None:
    for entry in fields(message, frozenset({1, 2})):
        if entry.number in (1, 2):
            _graph(entry.message(), found, depth=0)


def _tensor(message: memoryview, found: _Found) -> str:
    """Walk one TensorProto, note where its payload lies, and give its name."""
    name, is_external = "", False
    entries: list[memoryview] = []
    for entry in fields(message, frozenset({8, 14})):
        if entry.number == 8:
            name = entry.text()
        elif entry.number == 13:
            entries.append(entry.message())
        elif entry.number == 14:
            is_external = entry.integer() != 0
    if is_external:
        found.external.update(_locations(entries))
    return name


def _locations(entries: Iterable[memoryview]) -> list[str]:
    """Every "location" among a tensor's external_data entries; [""] where there is none."""
    locations = []
    for message in entries:
        pair = {1: "", 2: ""}
        for entry in fields(message, frozenset({1, 2})):
            if entry.number in pair:
                pair[entry.number] = entry.text()
        if pair[1] == "location":
            locations.append(pair[2])
    return locations or [""]


def _sparse_tensor(message: memoryview, found: _Found) -> str:
    """Walk one SparseTensorProto; its name is that of its values."""
    name = ""
    for entry in fields(message, frozenset({1, 2})):
        if entry.number == 1:
            name = _tensor(entry.message(), found)
        elif entry.number == 2:
            _tensor(entry.message(), found)
    return name
