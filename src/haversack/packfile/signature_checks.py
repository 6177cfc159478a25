"""Whether a pack's graphs have the inputs and outputs that its task and manifest ask for."""

from __future__ import annotations

import sys
from collections.abc import Container
from typing import NamedTuple

from haversack.packfile.manifest import Manifest
from haversack.packfile.signature import Signature, TensorSpec
from haversack.packfile.tasks.row import Symbol, TensorRule
from haversack.packfile.tasks.table import INPUTS, TASKS


def check_task(manifest: Manifest, signature: Signature) -> list[str]:
    """What keeps model.onnx with `signature` from doing the manifest's task; [] for nothing.

    Only the batch may vary (-1). Each line names the tensor received and what is allowed.
    """
    row, inputs = TASKS[manifest.task], INPUTS[manifest.modality]
    faults: list[str] = []
    batch = _BATCH
    if inputs is not None:
        batch = _batch(inputs, signature.inputs)
        faults += _compare("input", signature.inputs, _wanted(inputs, manifest, batch))
    if row.outputs is not None:
        wanted = _wanted(row.outputs, manifest, batch)
        outputs = signature.outputs
        faults += _compare("output", outputs, wanted) or _uneven(outputs, row.alike)
    return faults


def check_fit(manifest: Manifest, signature: Signature) -> list[str]:
    """What keeps fit.onnx with `signature` from filling the manifest's input; [] for nothing.

    A photo of any size goes in; pixels of exactly the network's size come out.
    """
    if manifest.input is None:
        return ["fit.onnx: the manifest has no table [input]"]
    height, width = manifest.input.height, manifest.input.width
    return [
        *_compare(
            "input", signature.inputs, [_Wanted("image", "UINT8", (_VARIES, _VARIES, _fixed(3)))]
        ),
        *_compare(
            "output",
            signature.outputs,
            [
                _Wanted("pixels", "UINT8", (_fixed(height), _fixed(width), _fixed(3))),
                _Wanted("placement", "FP32", (_fixed(4),)),
            ],
        ),
    ]


class _Side(NamedTuple):
    """One dimension of a rule: how it is written, and the values allowed (None for any)."""

    text: str
    allowed: Container[int] | None


class _Wanted(NamedTuple):
    """One tensor of a rule."""

    name: str
    datatype: str
    sides: tuple[_Side, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.datatype}[{','.join(side.text for side in self.sides)}]"

    def accepts(self, spec: TensorSpec) -> bool:
        return (
            spec.datatype == self.datatype
            and len(spec.shape) == len(self.sides)
            and all(
                side.allowed is None or size in side.allowed
                for side, size in zip(self.sides, spec.shape, strict=True)
            )
        )


_ANY = _Side("?", None)
_VARIES = _Side("?", frozenset({-1}))
_BATCH = _Side("N or 1", frozenset({-1, 1}))


def _batch(rules: tuple[TensorRule, ...], specs: tuple[TensorSpec, ...]) -> _Side:
    """N or 1, as the first input has it; either where that one is missing or has neither."""
    first = next(rule.name for rule in rules if rule.sides[0] == "batch")
    spec = _find(specs, first)
    if spec is None or spec.shape[:1] not in ((1,), (-1,)):
        return _BATCH
    return _Side("N" if spec.shape[0] == -1 else "1", frozenset({-1, spec.shape[0]}))


def _wanted(rules: tuple[TensorRule, ...], manifest: Manifest, batch: _Side) -> list[_Wanted]:
    """The rules with the sides that this pack decides."""
    size = manifest.input
    sides: dict[Symbol, _Side] = {
        "batch": batch,
        "slots": _slots(manifest),
        "classes": _fixed(len(manifest.labels)) if manifest.labels else _ANY,
        "height": _fixed(size.height) if size is not None else _ANY,
        "width": _fixed(size.width) if size is not None else _ANY,
        "any": _ANY,
    }
    return [
        _Wanted(
            rule.name,
            rule.datatype,
            tuple(_fixed(one) if isinstance(one, int) else sides[one] for one in rule.sides),
        )
        for rule in rules
    ]


def _fixed(size: int) -> _Side:
    return _Side(str(size), frozenset({size}))


def _slots(manifest: Manifest) -> _Side:
    """K: the manifest's max_detections, or fewer where the network has fewer candidates."""
    if manifest.graph is None:
        return _Side("K", range(1, sys.maxsize))
    limit = manifest.graph.max_detections
    return _Side(f"K<={limit}", range(1, limit + 1))


def _find(specs: tuple[TensorSpec, ...], name: str) -> TensorSpec | None:
    return next((spec for spec in specs if spec.name == name), None)


def _compare(role: str, specs: tuple[TensorSpec, ...], wanted: list[_Wanted]) -> list[str]:
    """A line for each tensor missing, written twice, of another type or shape, or not asked for."""
    faults = []
    for rule in wanted:
        matching = [spec for spec in specs if spec.name == rule.name]
        if not matching:
            have = ", ".join(str(spec) for spec in specs) or "none"
            faults.append(f"{role} {rule.name}: missing; {rule} is needed, received {have}")
        elif len(matching) > 1:
            faults.append(f"{role} {rule.name}: received {len(matching)} times; once is allowed")
        elif not rule.accepts(matching[0]):
            faults.append(f"{role} {rule.name}: received {matching[0]}; {rule} is allowed")
    names = {rule.name for rule in wanted}
    allowed = ", ".join(rule.name for rule in wanted)
    for spec in specs:
        if spec.name not in names:
            faults.append(f"{role} {spec.name}: received {spec}; only {allowed} are allowed")
    return faults


def _uneven(outputs: tuple[TensorSpec, ...], alike: tuple[str, ...]) -> list[str]:
    """The fault of outputs, right one by one, whose K differ."""
    slots = [spec for spec in outputs if spec.name in alike]
    if len({spec.shape[1] for spec in slots}) < 2:
        return []
    where = "all three" if len(alike) == 3 else " and ".join(alike)
    return [f"outputs: received {', '.join(map(str, slots))}; K must be one number in {where}"]
