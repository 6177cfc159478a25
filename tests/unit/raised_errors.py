"""Every error that the source makes, with the kinds that it is given."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from haversack.errors import Kind

SOURCE = Path(__file__).parents[2] / "src" / "haversack"
_CODE = re.compile(r"[a-z]+(-[a-z]+)+")


def kinds_of_codes() -> dict[str, set[Kind]]:
    """Each code's kinds, over every place that makes an error of it."""
    found: dict[str, set[Kind]] = defaultdict(set)
    for path in sorted(SOURCE.rglob("*.py")):
        for call in _calls(path):
            for code in _codes(call):
                found[code] |= _kinds(call)
    return dict(found)


def _calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node


def _name(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def _codes(call: ast.Call) -> Iterator[str]:
    name = _name(call)
    given = [word.value for word in call.keywords if word.arg == "code" and name != "Fault"]
    if name.endswith("Error") or name == "__init__":
        given += call.args[:1]
    for value in given:
        text = getattr(value, "value", None)
        if isinstance(text, str) and _CODE.fullmatch(text):
            yield text


def _kinds(call: ast.Call) -> set[Kind]:
    for word in call.keywords:
        if word.arg == "kind":
            named = [n.attr for n in ast.walk(word.value) if isinstance(n, ast.Attribute)]
            assert named, f"a kind that is not written out: {ast.unparse(call)}"
            return {Kind[name] for name in named}
    # What else gives a kind: an error by its class, a limit by what is raised beyond it.
    own = {"RetryLaterError": Kind.OVERLOADED, "BodyLimit": Kind.TOO_LARGE}
    return {own.get(_name(call), Kind.INVALID)}
