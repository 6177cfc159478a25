"""The engine's tasks and the format's rows say the same."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from tests.unit.packfile.conftest import make_manifest, tiny_files

from haversack.engine.fitted import Fitted
from haversack.engine.session import Array
from haversack.engine.tasks.table import TASKS, task_of
from haversack.engine.tensors import NUMPY
from haversack.packfile.manifest import Manifest
from haversack.packfile.signature import Signature, TensorSpec
from haversack.packfile.tasks.row import Modality, TaskRow
from haversack.packfile.tasks.table import ROWS

SIDES = {"batch": 1, "slots": 3, "classes": 2, "any": 4}
rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def manifest_of(row: TaskRow) -> Manifest:
    """A manifest with the tables that the task needs, and the outputs of its row."""
    manifest = make_manifest(tiny_files())
    outputs = tuple(
        TensorSpec(
            name=rule.name,
            datatype=rule.datatype,
            shape=tuple(SIDES[one] if isinstance(one, str) else one for one in rule.sides),
        )
        for rule in row.outputs or ()
    )
    return msgspec.structs.replace(
        manifest,
        task=row.name,
        labels=("a", "b"),
        input=manifest.input if "input" in row.needs else None,
        graph=manifest.graph if "graph" in row.needs else None,
        signature=Signature(inputs=manifest.signature.inputs, outputs=outputs),
    )


def test_each_row_has_a_task_and_each_task_a_row() -> None:
    assert list(TASKS) == [row.name for row in ROWS]


@rows
def test_a_survey_takes_the_tasks_that_find_objects(row: TaskRow) -> None:
    assert row.finds_objects == (task_of(manifest_of(row)).survey is not None)


@pytest.mark.parametrize("row", [row for row in ROWS if row.outputs], ids=lambda row: row.name)
def test_an_answer_gives_back_the_outputs_of_its_row(row: TaskRow) -> None:
    manifest = manifest_of(row)
    outputs = manifest.signature.outputs
    blank = {spec.name: np.zeros(spec.shape[1:], NUMPY[spec.datatype]) for spec in outputs}
    photo = Fitted(
        pixels=np.zeros((4, 6, 3), np.uint8),
        placement=np.array([1, 1, 0, 0], np.float32),
        width=6,
        height=4,
    )
    outcome = task_of(manifest).outcome(blank, photo, 1 << 20)
    arrays = outcome.arrays(manifest.signature)
    assert [(name, array.dtype) for name, array in arrays.items()] == [
        (spec.name, NUMPY[spec.datatype]) for spec in outputs
    ]
    assert (
        outcome.difference(
            {name: array[0] for name, array in arrays.items()} | {"size": np.array([6, 4])},
            threshold=0.5,
        ).worst
        == 0
    )


@rows
def test_a_table_has_the_columns_that_an_answers_rows_fill(row: TaskRow) -> None:
    manifest = manifest_of(row)
    task = task_of(manifest)
    full: dict[str, Array] = {
        "boxes": np.ones((1, 4), np.float32),
        "scores": np.ones(1, np.float32),
        "classes": np.zeros(1, np.int64),
        "candidates": np.array(1),
        "labels": np.ones((4, 6), np.uint8),
        "probabilities": np.ones(2, np.float32),
    }
    photo = Fitted(
        pixels=np.zeros((4, 6, 3), np.uint8),
        placement=np.array([1, 1, 0, 0], np.float32),
        width=6,
        height=4,
    )
    for cells in task.outcome(full, photo, 1 << 20).rows(manifest.labels):
        assert set(cells) == set(task.columns)


def test_what_a_caller_sends_is_the_tasks_to_say() -> None:
    manifest = make_manifest(tiny_files())
    assert manifest.modality is Modality.PHOTO
    free = msgspec.structs.replace(manifest, task="tensor", graph=None)
    assert free.takes_photos
    assert not msgspec.structs.replace(free, input=None).takes_photos
