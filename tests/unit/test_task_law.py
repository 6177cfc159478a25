"""A task is decided in its own modules: nobody else asks for its name or its answer's class."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from haversack.engine.tasks.table import TASKS
from haversack.packfile.tasks.table import ROWS

SOURCE = Path(__file__).parents[2] / "src" / "haversack"
FREE = ("packfile/tasks/", "engine/tasks/")
NAMES = {row.name for row in ROWS}
CLASSES = {
    name
    for task in TASKS.values()
    for name, value in vars(import_module(task.__module__)).items()
    if inspect.isclass(value) and value.__module__ == task.__module__ and hasattr(value, "above")
}


def deciding(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Where code compares with, matches on or indexes by a task's name or an answer's class."""
    for node in ast.walk(tree):
        found: list[ast.AST] = []
        match node:
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
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            for one in parts:
                yield from _named(one)
        case ast.BinOp(left=left, right=right):
            yield from _named(left)
            yield from _named(right)


def test_there_is_something_to_look_for() -> None:
    assert {"detect", "classify", "label-map", "tensor"} <= NAMES
    assert {"Detections", "Probabilities", "LabelMap", "Tensors"} <= CLASSES


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
    ],
)
def test_the_law_sees_every_way_to_decide(code: str) -> None:
    assert list(deciding(ast.parse(code)))


def test_only_a_tasks_own_modules_decide_by_it() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{line}: {name}"
        for path in sorted(SOURCE.rglob("*.py"))
        if not str(path.relative_to(SOURCE)).startswith(FREE)
        for line, name in deciding(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found
