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


# Module and name: why it may be there.
MENTIONS = {
    ("cli/jobs.py", "survey"): "a command's name",
    ("cli/jobs_survey.py", "survey"): "a command's name",
    ("cli/main.py", "predict"): "a command's name",
    ("cli/main.py", "survey"): "a command's name",
    ("cli/predict.py", "predict"): "a command's name",
    ("jobs/kind.py", "request"): "what is sent for a job",
    ("packfile/rules.py", "survey"): "a table of a pack's manifest",
    ("survey/job/run.py", "survey"): "a report's title",
}
# Module: why it has a kind itself.
HOLDERS = {
    "app/kinds.py": "the table",
    "serve/http/contract/operation.py": "the route of a photo takes what a job of one takes",
    "serve/work/predict.py": "what does them",
    "serve/work/requests.py": "what does them",
    "survey/job/handler.py": "what does them",
}


def names_of_kinds(tree: ast.AST) -> set[str]:
    """The kinds' names that code has as texts, for whatever it does with them."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in KINDS.names
    }


def kinds_held(tree: ast.AST) -> set[str]:
    """The kinds and their classes that code has under their own names or takes from modules."""
    words = {type(kind).__name__ for kind in KINDS} | {name.upper() for name in KINDS.names}
    return {word for node in ast.walk(tree) for word in _named(node) if word in words}


def _named(node: ast.AST) -> list[str]:
    match node:
        case ast.ImportFrom():
            return [one.name for one in node.names]
        # What is sent may be asked for: JobInput.REQUEST.
        case ast.Attribute(value=ast.Name(id=JobInput.__name__)):
            return []
        case ast.Attribute():
            return [node.attr]
        case _:
            return []


def others() -> Iterator[tuple[str, ast.AST]]:
    """Every module but the kinds' own."""
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE) not in OWN:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            yield path.relative_to(SOURCE).as_posix(), tree


def test_no_code_has_the_name_of_a_kind() -> None:
    found = {(module, name) for module, tree in others() for name in names_of_kinds(tree)}
    assert found == set(MENTIONS)


def test_no_code_but_the_table_and_what_does_the_jobs_has_a_kind() -> None:
    assert {module for module, tree in others() if kinds_held(tree)} == set(HOLDERS)


@pytest.mark.parametrize(
    "code",
    [
        "if job.kind == 'survey': pass",
        "if job.kind in ('predict', 'request'): pass",
        "WORDS = {'survey': 1}[job.kind]",
        "kinds = ['predict']",
        "job.kind.startswith('request')",
        "match job.kind:\n    case 'predict': pass",
    ],
)
def test_code_that_had_one_would_be_found(code: str) -> None:
    assert names_of_kinds(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "from haversack.survey.job.kind import SURVEY",
        "from haversack.survey.job.kind import SurveyKind as Other",
        "from haversack.survey.job import kind\nkind.SURVEY.name",
    ],
)
def test_code_that_took_one_would_be_found(code: str) -> None:
    assert kinds_held(ast.parse(code))


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
