"""The pages tell the truth: commands run, lists are whole, links lead somewhere."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import sys
import tomllib
from importlib import resources
from pathlib import Path

import click
import msgspec
import numpy as np
import pytest
from tests.e2e.docs_blocks import READERS_OWN, blocks, matches, run_console
from tests.unit.raised_errors import kinds_of_codes

from haversack.asgi.statuses import STATUSES
from haversack.cli.exits import exit_code
from haversack.cli.main import group
from haversack.engine.results import PackIdentity, PhotoResult
from haversack.engine.tasks.classify import Probabilities
from haversack.engine.tasks.detect import Detections
from haversack.engine.tasks.label_map import LabelMap
from haversack.engine.tasks.task import TaskOutcome
from haversack.engine.tasks.tensor import Tensors
from haversack.errors import HaversackError, Kind
from haversack.formats.table import COLUMNS
from haversack.pack.graph.heads.table import HEADS
from haversack.pack.recipe import preset_names, recipe_fields
from haversack.packfile import manifest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "haversack"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
REFERENCE = ROOT / "docs" / "reference"
_PYTHON_PAGES = ("README.md", "docs/how-to/use-from-python.md")
_LANGUAGES = {"console", "python", "sh", "text", "toml", "json", "mermaid"}


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _runs(page: Path) -> bool:
    languages = {block.language for block in blocks(page)}
    return "console" in languages or ("python" in languages and _name(page) in _PYTHON_PAGES)


def _read(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def _sections(text: str, level: str = "## ") -> dict[str, str]:
    """Headings of one level with the text under each."""
    parts = re.split(rf"^{level}(.+)$", text, flags=re.MULTILINE)
    return {head.strip(" `"): body for head, body in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.mark.parametrize("page", [page for page in PAGES if _runs(page)], ids=_name)
def test_every_block_of_a_page_runs_and_gives_what_the_page_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    for variable in ("XDG_DATA_HOME", "HAVERSACK_PACKS", "HAVERSACK_DECODE_LIMIT", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for prepare in READERS_OWN.get(_name(page), ()):
        prepare(folder)
    names: dict[str, object] = {}
    for block in blocks(page):
        where = f"{_name(page)}, line {block.line}"
        if block.language == "console":
            faults = list(run_console(block, folder, dict(os.environ)))
        elif block.language == "python" and _name(page) in _PYTHON_PAGES:
            faults = _run_python(block.text, where, names)
        else:
            continue
        assert not faults, f"{where}\n" + "\n".join(faults)


def _run_python(text: str, where: str, names: dict[str, object]) -> list[str]:
    """Run a block; one with >>> is compared as doctest does, with `...` for anything."""
    if ">>>" not in text:
        exec(compile(text, where, "exec"), names)
        return []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    test = doctest.DocTestParser().get_doctest(text + "\n", names, where, where, 0)
    output = io.StringIO()
    runner = doctest.DocTestRunner(verbose=False, optionflags=flags)
    with contextlib.redirect_stdout(io.StringIO()):
        runner.run(test, out=output.write, clear_globs=False)
    names.update(test.globs)
    return [output.getvalue()] if output.getvalue() else []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_block_says_what_it_is(page: Path) -> None:
    assert {block.language for block in blocks(page)} <= _LANGUAGES


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        inside = file.exists() and ROOT in (file, *file.parents)
        if not inside or (anchor and anchor not in _anchors(file)):
            wrong.append(target)
    assert not wrong


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_page_names_a_registry_or_a_place_users_do_not_have(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"pypi\.\w+|pythonhosted|\.\./shared|(?<!serve)/work/|--index-url", text)


def test_every_page_is_reached_from_the_index() -> None:
    seen, todo = set(), [ROOT / "docs" / "index.md"]
    while todo:
        page = todo.pop()
        seen.add(page)
        for target in re.findall(r"\]\(([^)\s#]+\.md)", page.read_text(encoding="utf-8")):
            file = (page.parent / target).resolve()
            if file.exists() and file not in seen:
                todo.append(file)
    assert not {_name(page) for page in (ROOT / "docs").rglob("*.md")} - {_name(p) for p in seen}


def _commands(command: click.Command, path: str) -> dict[str, click.Command]:
    found = {path: command}
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            assert inner is not None
            found |= _commands(inner, f"{path} {name}")
    return found


def test_the_command_line_page_has_every_command_and_no_other() -> None:
    told = {head for head in _sections(_read("command-line.md")) if head.startswith("haversack")}
    assert told == set(_commands(group, "haversack"))


@pytest.mark.parametrize("path", list(_commands(group, "haversack")))
def test_the_command_line_page_has_every_option_and_no_other(path: str) -> None:
    command = _commands(group, "haversack")[path]
    section = _sections(_read("command-line.md"))[path]
    options = [p for p in command.get_params(click.Context(command)) if isinstance(p, click.Option)]
    real = {o for p in options for o in (*p.opts, *p.secondary_opts) if o.startswith("--")}
    told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", section))
    # --help is every command's, and told once, above.
    assert told - {"--help"} == real - {"--help"}


def test_the_errors_page_has_every_code_with_its_kind_and_no_other() -> None:
    told = re.findall(r"^\| `([a-z-]+)` \| ([a-z_, ]+) \|", _read("errors.md"), flags=re.M)
    assert len(told) == len(dict(told))
    found = kinds_of_codes().items()
    assert dict(told) == {code: ", ".join(k for k in Kind if k in kinds) for code, kinds in found}


def test_the_errors_page_has_every_kind_with_its_status_and_exit_code() -> None:
    told = re.findall(r"^\| ([a-z_]+) \| (\d+) \| (\d) \|", _read("errors.md"), flags=re.M)
    assert told == [(kind, str(STATUSES[kind]), str(exit_code(kind))) for kind in Kind]


def test_the_presets_page_has_every_preset_with_its_values() -> None:
    sections = _sections(_read("presets.md"))
    folder = resources.files("haversack.pack") / "presets"
    for preset in preset_names():
        told = tomllib.loads(re.findall(r"```toml\n(.*?)```", sections[preset], flags=re.S)[0])
        assert told == tomllib.loads((folder / f"{preset}.toml").read_text("utf-8")), preset
    assert set(preset_names()) <= set(sections)


def test_the_presets_page_has_every_field_and_every_head() -> None:
    text = _read("presets.md")
    told = set(re.findall(r"^\| `([a-z_]+)` \|", text, flags=re.M))
    fields = set(recipe_fields())
    assert told == fields | set(HEADS) | {"none"}


def test_the_settings_page_has_every_variable_and_no_other() -> None:
    source = "".join(file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.py"))
    pattern = r"HAVERSACK_[A-Z_]*[A-Z]"
    assert set(re.findall(pattern, _read("settings.md"))) == set(re.findall(pattern, source))


def test_the_pack_format_page_has_every_field() -> None:
    text = _read("pack-format.md")
    tables: list[type[msgspec.Struct]] = [manifest.Manifest, manifest.InputGeometry]
    tables += [manifest.SurveyGrid, manifest.Defaults, manifest.Suppression]
    tables += [manifest.Provenance, manifest.Parity]
    for table in tables:
        for field in msgspec.structs.fields(table):
            assert f"`{field.name}`" in text, f"{table.__name__}.{field.name}"


def test_the_record_page_has_every_field() -> None:
    found = Detections(
        boxes=np.ones((1, 4), np.float32),
        scores=np.ones(1, np.float32),
        class_ids=np.zeros(1, np.int64),
        candidates=2,
        truncated=True,
    )
    outcomes: list[TaskOutcome] = [
        found,
        Probabilities(values=np.ones(2, np.float32)),
        LabelMap(class_ids=np.zeros((2, 2), np.uint8)),
        Tensors(values={"y": np.ones(2, np.float32)}),
    ]
    pack = PackIdentity(name="a", version="1", task="detect")
    whole = [PhotoResult(image="", width=1, height=1, pack=pack, outcome=o) for o in outcomes]
    failed = PhotoResult(
        image="", width=1, height=1, pack=pack, error=HaversackError("a-b", ""), timing={"x": 1.0}
    )
    names = {name for one in [*whole, failed] for name in _keys(one.to_dict(with_map=True))}
    told = set(re.findall(r"`([a-z_0-9]+)`", _read("record.md")))
    assert names - {"x"} <= told
    assert set(COLUMNS) <= told


def _keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return {str(k) for k in value} | {k for inner in value.values() for k in _keys(inner)}
    if isinstance(value, list):
        return {key for inner in value for key in _keys(inner)}
    return set()


@pytest.mark.parametrize(
    ("expected", "output", "same"),
    [
        ("a ... c", "a b c\n", True),
        ("a\n...\nd", "a\nb\nc\nd\n", True),
        ("a\n...", "a\n", True),
        ("a  b", "a b\n", True),
        ("a", "a\nb\n", False),
        ("a.c", "abc\n", False),
        ("0.86", "0.87\n", False),
    ],
)
def test_dots_in_a_page_stand_for_anything_and_nothing_else_does(
    expected: str, output: str, same: bool
) -> None:
    assert matches(expected, output) is same
