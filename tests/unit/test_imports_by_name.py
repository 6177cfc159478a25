"""Our own modules are imported by name only in tables of what is called late."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from haversack import late

SOURCE = Path(__file__).parents[2] / "src" / "haversack"
TABLES = {
    "__init__.py": "the public names",
    "cli/lazy.py": "commands",
    "late.py": "packages of others",
    "app/kinds.py": "kinds of jobs",
    "pack/sources/table.py": "importers",
}
_IMPORTERS = {"import_module", "__import__", "find_spec", "run_module"}


def by_name(text: str) -> Iterator[str]:
    """What a module imports by name and is, or could be, a module of ours."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
        name = called.id if isinstance(called, ast.Name) else called
        if name in _IMPORTERS and not _is_anothers(node.args[0]):
            yield ast.unparse(node)


def _is_anothers(name: ast.expr) -> bool:
    """Whether a name begins, as it is written, with another package than ours."""
    if isinstance(name, ast.JoinedStr):
        name = name.values[0]
    if isinstance(name, ast.IfExp):
        return _is_anothers(name.body) and _is_anothers(name.orelse)
    return isinstance(name, ast.Constant) and not str(name.value).startswith(("haversack", "."))


def test_our_modules_are_imported_by_name_in_tables_only() -> None:
    found = {
        str(path.relative_to(SOURCE)): calls
        for path in SOURCE.rglob("*.py")
        if (calls := list(by_name(path.read_text())))
    }
    assert set(found) == set(TABLES), found


def test_what_is_late_is_of_others() -> None:
    homes = {getattr(late, name).__name__ for name in late.__all__}
    assert {home.partition(".")[0] for home in homes} == {"PIL", "obstore", "psycopg", "require"}


def test_a_hidden_import_would_be_seen() -> None:
    hidden = [
        "import importlib\nimportlib.import_module('haversack.jobs.worker')",
        "from importlib import import_module\nimport_module(f'haversack.{room}')",
        "load = __import__('haversack.app')",
        "import importlib\nimportlib.import_module(module)",
        "importlib.import_module('.worker', __package__)",
    ]
    assert [len(list(by_name(text))) for text in hidden] == [1] * len(hidden)
    seen = "importlib.import_module('rasterio'); importlib.import_module(f'PIL.{name}')"
    assert not list(by_name(seen))
