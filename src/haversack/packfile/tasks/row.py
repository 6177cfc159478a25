"""One row of the table of tasks: what a task asks of a pack, and what it adds to a record."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from haversack.packfile.tasks.record import RecordFields

Symbol: TypeAlias = Literal["batch", "slots", "classes", "height", "width", "any"]
"""A side that a pack decides: N or 1; K, at most the manifest's max_detections; as many as there
are labels, any number without labels; of the manifest's [input]; any number."""

Table: TypeAlias = Literal["input", "graph"]
"""A table of pack.toml that tasks may ask for."""


class Modality(enum.Enum):
    """What a caller sends."""

    PHOTO = "a photo"
    TENSORS = "named tensors"


@dataclass(frozen=True, kw_only=True)
class TensorRule:
    """One input or output that model.onnx must have.

    Attributes:
        name: as in the graph.
        datatype: see `TensorSpec`.
        sides: numbers, or symbols.
    """

    name: str
    datatype: str
    sides: tuple[int | Symbol, ...]


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """What a task asks of a pack, and what it adds to a record.

    Attributes:
        name: in pack.toml.
        modality: what a caller of its packs sends.
        with_input: the same where `input` is there and need not be.
        needs, may: tables that must and that may be there; others are refused.
        outputs: that the graph has, no others; None leaves names, datatypes and shapes free.
        alike: outputs whose K must be one number.
        most_labels: where the graph's datatype has no more numbers.
        finds_objects: whether answers are objects with boxes, as a survey needs them.
        parity: the rule by which an import proves itself.
        record: what its answers add to the record of a photo.
    """

    name: str
    modality: Modality = Modality.PHOTO
    with_input: Modality | None = None
    needs: tuple[Table, ...] = ("input",)
    may: tuple[Table, ...] = ()
    outputs: tuple[TensorRule, ...] | None
    alike: tuple[str, ...] = ()
    most_labels: int | None = None
    finds_objects: bool = False
    parity: str
    record: RecordFields = field(default_factory=dict)
