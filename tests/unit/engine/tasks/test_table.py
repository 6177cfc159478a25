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
from haversack.packfile.tasks.table import INPUTS, ROWS

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


JSON_TYPES = {"array": list, "boolean": bool, "integer": int, "string": str}
PHOTO = Fitted(
    pixels=np.zeros((4, 6, 3), np.uint8),
    placement=np.array([1, 1, 0, 0], np.float32),
    width=6,
    height=4,
)
FILLED: dict[str, Array] = {
    "boxes": np.array([[0, 0, 2, 2], [3, 1, 6, 4], [0, 0, 0, 0]], np.float32),
    "scores": np.array([0.9, 0.75, 0], np.float32),
    "classes": np.array([1, 0, 0], np.int64),
    "candidates": np.array(2, np.int64),
    "labels": np.arange(24, dtype=np.uint8).reshape(4, 6) % 3,
    "probabilities": np.array([0.25, 0.75], np.float32),
}
"""Every output of every row: two objects and an empty slot; a map; two classes."""


def filled(row: TaskRow) -> dict[str, Array]:
    """What the graph of a pack of this task gave; of a task with free outputs, anything."""
    names = [rule.name for rule in row.outputs] if row.outputs is not None else ["boxes", "labels"]
    return {name: FILLED[name] for name in names}


def otherwise(expected: dict[str, Array], name: str) -> dict[str, Array]:
    """A copy in which the first value of one output is another."""
    array = expected[name].copy()
    array.flat[0] += 1
    return expected | {name: array}


@rows
def test_an_answer_gives_back_the_outputs_of_its_row(row: TaskRow) -> None:
    manifest, outputs = manifest_of(row), filled(row)
    arrays = task_of(manifest).outcome(outputs, PHOTO, 1 << 20).arrays(manifest.signature)
    assert list(arrays) == list(outputs)
    for name, array in arrays.items():
        assert array.dtype == outputs[name].dtype, name
        assert np.array_equal(array, outputs[name][None]), name
    for spec in manifest.signature.outputs:
        assert arrays[spec.name].dtype == NUMPY[spec.datatype]


@rows
def test_an_answer_differs_from_another_and_not_from_itself(row: TaskRow) -> None:
    manifest, outputs = manifest_of(row), filled(row)
    outcome = task_of(manifest).outcome(outputs, PHOTO, 1 << 20)
    size = {"size": np.array([6, 4])} if row.finds_objects else {}
    found = {name: array for name, array in outputs.items() if name != "candidates"}
    if row.finds_objects:  # as a pack's expected outputs are written: without empty slots
        found = {name: array[:2] for name, array in found.items()}
    same = outcome.difference(found | size, threshold=0.5)
    assert (same.expected, same.worst) == (same.found, 0)
    assert same.found > 0
    for name in found:
        other = outcome.difference(otherwise(found, name) | size, threshold=0.5)
        assert other.worst > 0, name


@rows
def test_a_table_has_the_columns_that_an_answers_rows_fill(row: TaskRow) -> None:
    manifest = manifest_of(row)
    task = task_of(manifest)
    cells = list(task.outcome(filled(row), PHOTO, 1 << 20).rows(manifest.labels))
    assert bool(cells) == bool(task.columns)
    assert all(set(one) == set(task.columns) for one in cells)


@rows
def test_a_row_describes_what_its_answers_add_to_a_record(row: TaskRow) -> None:
    manifest = manifest_of(row)
    cut = {name: FILLED[name] for name in filled(row)}
    if "candidates" in cut:  # so many that the answer says that it was cut
        cut["candidates"] = np.array(1 << 20, np.int64)
    outcome = task_of(manifest).outcome(cut, PHOTO, 1 << 20)
    added = outcome.fields(manifest.labels, (6, 4), with_map=True)
    assert list(added) == list(row.record)
    for name, value in added.items():
        shape = row.record[name]
        assert isinstance(value, JSON_TYPES[shape["type"]]), name
        for one in added[name] if shape["type"] == "array" else ():
            assert set(shape["items"].get("required", ())) <= set(one), name
            assert set(one) <= set(shape["items"].get("properties", one)), name


def test_a_field_of_a_record_is_one_tasks() -> None:
    names = [name for row in ROWS for name in row.record]
    assert len(set(names)) == len(names)


def test_what_a_caller_sends_has_its_inputs() -> None:
    assert set(INPUTS) == set(Modality)


@rows
def test_what_a_caller_sends_is_the_tasks_to_say(row: TaskRow) -> None:
    with_input = msgspec.structs.replace(manifest_of(row), input=make_manifest(tiny_files()).input)
    assert with_input.modality is Modality.PHOTO
    assert with_input.takes_photos
    if "input" not in row.needs:
        without = msgspec.structs.replace(with_input, input=None)
        assert without.modality is row.modality
        assert without.takes_photos == (row.modality is Modality.PHOTO)
        assert not without.takes_photos, "no task that takes photos can do without [input]"
