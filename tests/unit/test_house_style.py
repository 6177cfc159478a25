"""The sizes that STYLE asks for, kept by a test instead of by memory."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "haversack"
FILES = sorted(SOURCE.rglob("*.py"))
LINES_A_FILE, LINES_A_FUNCTION = 500, 60
EMPTY_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}
LINUX_ONLY = {"fcntl", "resource", "pwd", "grp", "termios"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_and_functions_are_small_and_named(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert path.stem not in EMPTY_NAMES
    assert len(text.splitlines()) <= LINES_A_FILE
    long = {f.name: lines for f in _functions(tree) if (lines := _code_lines(f)) > LINES_A_FUNCTION}
    assert not long, f"longer than {LINES_A_FUNCTION} lines"
    assert ast.get_docstring(tree), "a file says what it is for"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_that_only_linux_has_is_imported_with_a_module(path: Path) -> None:
    names = {
        alias.name.split(".")[0]
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in (
            node.names if isinstance(node, ast.Import) else [ast.alias(name=node.module or "")]
        )
    }
    assert not names & LINUX_ONLY


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without its docstring: a command's help is not code."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
