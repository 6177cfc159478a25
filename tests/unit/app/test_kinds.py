"""What kinds of jobs differ in stands in their own modules, and nothing else asks for a name."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from haversack.app.kinds import ENTRIES, KINDS
from haversack.errors import HaversackError
from haversack.jobs.kind import JobInput
from haversack.jobs.kinds import JobKinds

SOURCE = Path(__file__).parents[3] / "src" / "haversack"
OWN = {
    Path(sys.modules[type(entry.kind).__module__].__file__ or "").relative_to(SOURCE)
    for entry in ENTRIES
}
HEAVY = ("numpy", "onnxruntime", "PIL", "starlette", "uvicorn")


def comparisons(tree: ast.AST) -> Iterator[tuple[int, ast.AST]]:
    """Everything that something is compared with or matched against, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                yield from ((node.lineno, part) for part in ast.walk(side))
        elif isinstance(node, ast.MatchValue):
            yield node.lineno, node.value


def by_kind(tree: ast.AST) -> list[int]:
    """The lines where something is compared with a kind's name, or with a kind."""
    constants = {name.upper() for name in KINDS.names}
    return [
        line
        for line, part in comparisons(tree)
        if (isinstance(part, ast.Constant) and part.value in KINDS.names)
        or (isinstance(part, ast.Name) and part.id in constants)
        or (isinstance(part, ast.Attribute) and part.attr in constants and not _is_input(part))
    ]


def _is_input(part: ast.Attribute) -> bool:
    """What is sent may be asked for: JobInput.REQUEST."""
    return isinstance(part.value, ast.Name) and part.value.id == JobInput.__name__


def test_no_code_asks_which_kind_a_job_is_of() -> None:
    found = {
        str(path.relative_to(SOURCE)): lines
        for path in SOURCE.rglob("*.py")
        if path.relative_to(SOURCE) not in OWN
        and (lines := by_kind(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "code",
    [
        "if job.kind == 'survey': pass",
        "if job.kind in ('predict', 'request'): pass",
        "x = 1 if job.kind != SURVEY.name else 2",
        "match job.kind:\n    case 'predict': pass",
    ],
)
def test_code_that_did_would_be_found(code: str) -> None:
    assert by_kind(ast.parse(code))


def test_kinds_are_light() -> None:
    code = (
        "import sys, haversack.app.kinds\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_each_thing_that_is_sent_has_its_kind_by_default() -> None:
    assert {takes: KINDS.default(takes).name for takes in JobInput} == {
        JobInput.PHOTO: "predict",
        JobInput.UPLOAD: "survey",
        JobInput.REQUEST: "request",
    }
    assert KINDS.named_only == []


def test_a_kind_is_chosen_by_its_name_where_what_is_sent_fits() -> None:
    assert KINDS.chosen({"kind": "survey", "upload": "1", "tile": "512"}).name == "survey"
    for wishes in (
        {"kind": "request"},
        {"kind": "nothing"},
        {"kind": "survey"},
        {"kind": "predict", "upload": "1"},
        {"kind": "predict", "tile": "512"},
        {"tile": "512"},
        {"upload": "1", "map": "true"},
        {"upload": "1", "map": "perhaps"},
    ):
        with pytest.raises(HaversackError) as caught:
            KINDS.chosen(wishes)
        assert caught.value.code == "query-invalid"


def test_a_switch_of_another_kind_that_is_off_says_nothing() -> None:
    assert KINDS.chosen({"upload": "1", "map": "false"}).name == "survey"
    assert KINDS.chosen({"kind": "predict", "overview": "0"}).name == "predict"


def test_a_table_that_has_no_kind_for_what_may_be_sent_is_refused() -> None:
    photos = [kind for kind in KINDS if kind.takes is JobInput.PHOTO]
    with pytest.raises(ValueError, match="of the kinds predict none takes: upload, request"):
        JobKinds(photos)
    assert JobKinds().names == []


def test_every_kind_says_how_people_read_of_it() -> None:
    for kind in KINDS:
        words = kind.words
        assert words.one
        assert words.running.endswith(".")
        assert words.result[0].islower()
        assert all(option.text.endswith(".") for option in kind.options)
