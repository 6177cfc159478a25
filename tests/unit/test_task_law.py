"""A task is decided in its own modules: nobody else asks for its name or its answer's class.

Who may import the modules of tasks at all is a law of .importlinter. Neither sees somebody who asks
whether a record has a field that only one task writes (`"legend" in record`): other messages have
fields of these names.
"""

from __future__ import annotations

import ast
import configparser
import dataclasses
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from haversack.engine.tasks.table import TASKS
from haversack.packfile.tasks.table import ROWS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "haversack"
FREE = ("packfile/tasks/", "engine/tasks/")
FORMAT = "packfile/"
"""It reads the tables of pack.toml; elsewhere a table that is there stands for a task."""
NAMES = {row.name for row in ROWS}
MODULES = {task.__module__ for task in TASKS.values()}
OWN = {
    name: value
    for module in MODULES
    for name, value in vars(import_module(module)).items()
    if inspect.isclass(value) and value.__module__ == module
}
CLASSES = set(OWN)
"""Of tasks, of their answers, and what else is in their modules."""
FIELDS = {
    field.name
    for value in OWN.values()
    if dataclasses.is_dataclass(value) and hasattr(value, "above")
    for field in dataclasses.fields(value)
}
"""Of answers; each has its own."""


def deciding(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Where code compares with, matches on, looks up or asks for a task's name or class.

    Also where it asks whether an answer has a field, or whether a pack has the table [graph].
    """
    for node in ast.walk(tree):
        found: list[ast.AST] = []
        match node:
            case ast.Compare(
                left=ast.Attribute(attr="graph"),
                ops=[ast.Is() | ast.IsNot()],
                comparators=[ast.Constant(value=None)],
            ):
                yield node.lineno, "graph"
            case ast.Compare(left=left, comparators=others):
                found = [left, *others]
            case ast.Subscript(slice=index):
                found = [index]
            case ast.Dict(keys=keys):
                found = [key for key in keys if key is not None]
            case ast.MatchValue(value=value):
                found = [value]
            case ast.MatchClass(cls=cls):
                found = [cls]
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=args):
                found = [*args[1:]]
            case ast.Call(func=ast.Name(id="hasattr"), args=[_, ast.Constant(value=str(name))]):
                if name in FIELDS:
                    yield node.lineno, name
            case ast.Call(func=ast.Attribute(attr="get" | "pop" | "setdefault"), args=[key, *_]):
                found = [key]
        for one in found:
            yield from _named(one)


def _named(part: ast.AST) -> Iterator[tuple[int, str]]:
    match part:
        case ast.Constant(value=str(name)) if name in NAMES:
            yield part.lineno, name
        case ast.Name(id=name) if name in CLASSES:
            yield part.lineno, name
        case ast.Attribute(attr=name) if name in CLASSES:
            yield part.lineno, name
        case ast.Attribute(attr="name", value=owner):
            yield from _named(owner)
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            for one in parts:
                yield from _named(one)
        case ast.BinOp(left=left, right=right):
            yield from _named(left)
            yield from _named(right)


def test_there_is_something_to_look_for() -> None:
    assert {"detect", "classify", "label-map", "tensor"} <= NAMES
    assert {"Detections", "Probabilities", "LabelMap", "Tensors"} <= CLASSES
    assert {"DetectTask", "ClassifyTask", "LabelMapTask", "TensorTask"} <= CLASSES
    assert {"boxes", "values"} <= FIELDS


@pytest.mark.parametrize(
    "code",
    [
        "if task == 'detect': pass",
        "if task not in ('classify', 'tensor'): pass",
        "match task:\n    case 'label-map': pass",
        "match outcome:\n    case Detections(): pass",
        "isinstance(outcome, LabelMap | Tensors)",
        "isinstance(outcome, detect.Detections)",
        "type(outcome) is Detections",
        "{'detect': 1}",
        "table['tensor']",
        "rows.get('detect')",
        "rows.pop('detect', None)",
        "task == DetectTask.name",
        "task.name != detect.DetectTask.name",
        "isinstance(task, DetectTask)",
        "rows[DetectTask.name]",
        "hasattr(outcome, 'boxes')",
        "manifest.graph is not None",
        "draft.graph is None and x",
    ],
)
def test_the_law_sees_who_compares_matches_looks_up_or_asks_for_a_class(code: str) -> None:
    assert list(deciding(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "if task == row.name: pass",
        "model = network.graph",
        "if found.graph is other: pass",
        "isinstance(answer, TaskOutcome)",
        "rows.get('input')",
        "hasattr(file, 'fileno')",
        "Head(name='mine', task='detect')",
    ],
)
def test_the_law_lets_be_who_only_passes_on(code: str) -> None:
    assert not list(deciding(ast.parse(code)))


def test_only_a_tasks_own_modules_decide_by_it() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{line}: {name}"
        for path in sorted(SOURCE.rglob("*.py"))
        if not str(path.relative_to(SOURCE)).startswith(FREE)
        for line, name in deciding(ast.parse(path.read_text(encoding="utf-8")))
        if name != "graph" or not str(path.relative_to(SOURCE)).startswith(FORMAT)
    ]
    assert not found


def test_each_tasks_module_is_behind_the_door() -> None:
    laws = configparser.ConfigParser()
    laws.read(ROOT / ".importlinter", encoding="utf-8")
    door = laws["importlinter:contract:door-tasks"]
    assert set(door["protected_modules"].split()) == MODULES
