"""Rules of pack.toml that take more than one field to check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from haversack.packfile.paths import path_fault
from haversack.packfile.tasks.row import Table
from haversack.packfile.tasks.table import ROWS, TASKS

MANIFEST_NAME = "pack.toml"
PROFILE_NAME = "profile.toml"
MODEL_NAME = "model.onnx"
FIT_NAME = "fit.onnx"

_TASK_TABLES: tuple[Table, ...] = get_args(Table)


def cross_faults(values: Mapping[str, Any]) -> list[str]:
    """A line per broken rule, among the manifest's fields found good.

    A field missing from `values` was faulty itself, and the rules on it wait for its mending.
    """
    return [
        *_task_faults(values),
        *_input_faults(values),
        *_survey_faults(values),
        *_needed_files(values),
        *_file_names(values),
    ]


def _task_faults(values: Mapping[str, Any]) -> Iterator[str]:
    row = TASKS.get(values.get("task", ""))
    if row is None:
        return
    for table in _TASK_TABLES:
        if table not in values:
            continue
        if values[table] is None and table in row.needs:
            yield f"{table}: missing; task {row.name!r} needs the table [{table}]"
        if values[table] is not None and table not in (*row.needs, *row.may):
            yield f"{table}: is for {_tasks_with(table)} only, the task is {row.name!r}"
    count = len(values.get("labels", ()))
    if row.most_labels is not None and count > row.most_labels:
        kind = row.name.replace("-", " ")
        yield f"labels: received {count}; a {kind} holds {row.most_labels} at most"


def _tasks_with(table: Table) -> str:
    names = [repr(row.name) for row in ROWS if table in (*row.needs, *row.may)]
    return f"task {names[0]}" if len(names) == 1 else f"tasks {' and '.join(names)}"


def _input_faults(values: Mapping[str, Any]) -> Iterator[str]:
    geometry = values.get("input")
    if geometry is None:
        return
    if geometry.crop != 1.0 and geometry.geometry != "crop":
        yield (
            f"input.crop: received {geometry.crop}; it is for geometry 'crop' only, "
            f"the geometry is {geometry.geometry!r}"
        )
    if geometry.antialias and geometry.kernel == "nearest":
        yield "input.antialias: received True; kernel 'nearest' has no antialias"


def _survey_faults(values: Mapping[str, Any]) -> Iterator[str]:
    survey = values.get("survey")
    if survey is None:
        return
    if "input" in values and values["input"] is None:
        yield "survey: is for packs with the table [input] only"
    if survey.overlap >= survey.tile:
        yield f"survey.overlap: received {survey.overlap}; less than the tile ({survey.tile})"


def _needed_files(values: Mapping[str, Any]) -> Iterator[str]:
    if "files" not in values:
        return
    if MODEL_NAME not in values["files"]:
        yield f'files."{MODEL_NAME}": missing; every pack has one'
    if "input" not in values:
        return
    has_fit, has_input = FIT_NAME in values["files"], values["input"] is not None
    if has_input and not has_fit:
        yield f'files."{FIT_NAME}": missing; a pack with [input] has one'
    if has_fit and not has_input:
        yield f'files."{FIT_NAME}": is for packs with the table [input] only'


def _file_names(values: Mapping[str, Any]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name in values.get("files", ()):
        fault = path_fault(name)
        if fault:
            yield f"files: {name!r} is no safe relative path: {fault}"
        if name in (MANIFEST_NAME, PROFILE_NAME):
            yield f"files: {name!r} is never listed"
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            yield f"files: {name!r} and {other!r} are one file on some systems"
