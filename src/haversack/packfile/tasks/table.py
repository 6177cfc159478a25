"""Every task that a pack can have: its row, by its name in pack.toml, and what a graph takes."""

from __future__ import annotations

from haversack.packfile.tasks import record
from haversack.packfile.tasks.row import Modality, TaskRow, TensorRule

ROWS = (
    TaskRow(
        name="detect",
        needs=("input", "graph"),
        outputs=(
            TensorRule(name="boxes", datatype="FP32", sides=("batch", "slots", 4)),
            TensorRule(name="scores", datatype="FP32", sides=("batch", "slots")),
            TensorRule(name="classes", datatype="INT64", sides=("batch", "slots")),
            TensorRule(name="candidates", datatype="INT64", sides=("batch",)),
        ),
        alike=("boxes", "scores", "classes"),
        finds_objects=True,
        parity="boxes",
        record=record.DETECT,
    ),
    TaskRow(
        name="label-map",
        outputs=(TensorRule(name="labels", datatype="UINT8", sides=("batch", "any", "any")),),
        most_labels=256,  # as many as uint8 has numbers
        parity="labels",
        record=record.LABEL_MAP,
    ),
    TaskRow(
        name="classify",
        outputs=(TensorRule(name="probabilities", datatype="FP32", sides=("batch", "classes")),),
        parity="probabilities",
        record=record.CLASSIFY,
    ),
    TaskRow(
        name="tensor",
        modality=Modality.TENSORS,
        with_input=Modality.PHOTO,
        needs=(),
        may=("input",),
        outputs=None,
        parity="tensors",
        record=record.TENSOR,
    ),
)

TASKS = {row.name: row for row in ROWS}

INPUTS: dict[Modality, tuple[TensorRule, ...] | None] = {
    Modality.PHOTO: (
        TensorRule(name="pixels", datatype="UINT8", sides=("batch", "height", "width", 3)),
        TensorRule(name="placement", datatype="FP32", sides=("batch", 4)),
    ),
    Modality.TENSORS: None,
}
"""What model.onnx takes, and nothing else, by what a caller sends; None leaves it free."""
