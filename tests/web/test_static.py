"""What holds for every file of the page: small, checked, and no task decided outside its module."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.web.static_code import bare, decisions

from haversack.packfile.tasks.table import TASKS as PACK_TASKS
from haversack.web.page import STATIC

MODULES = sorted(STATIC.rglob("*.js"))
STYLES = sorted(STATIC.rglob("*.css"))
TASKS = STATIC / "tasks"
LINES_A_MODULE, LINES_A_FILE = 230, 500


def name(path: Path) -> str:
    return path.relative_to(STATIC).as_posix()


def test_the_page_names_no_other_host_and_holds_no_inline_code() -> None:
    page = (STATIC / "index.html").read_text()
    for forbidden in ("http://", "https://", "style=", "onclick", "<style"):
        assert forbidden not in page
    for module in MODULES:
        code = module.read_text().replace("http://www.w3.org/", "")
        assert "http://" not in code, module.name
        assert "https://" not in code, module.name
        assert "innerHTML" not in code, module.name


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_modules_are_checked_and_small(module: Path) -> None:
    lines = module.read_text().splitlines()
    assert lines[0] == "// @ts-check"
    assert lines[1].startswith("// "), "it says what it is for"
    assert len(lines) <= LINES_A_MODULE


@pytest.mark.parametrize(
    "path", [path for path in sorted(STATIC.rglob("*")) if path.is_file()], ids=name
)
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LINES_A_FILE


def test_the_page_links_every_style_once() -> None:
    linked = re.findall(r'href="static/([\w/]+\.css)"', (STATIC / "index.html").read_text())
    assert sorted(linked) == [name(path) for path in STYLES]


def test_every_id_that_code_looks_for_is_in_the_page() -> None:
    """`byId` throws where one is missing, but only when it is called."""
    page = (STATIC / "index.html").read_text()
    ids = set(re.findall(r'\bid="([\w-]+)"', page))
    for module in MODULES:
        wanted = set(
            re.findall(r'\b(?:byId|setText|element)\("([\w-]+)"', bare(module.read_text()))
        )
        assert wanted <= ids, module.name


@pytest.mark.parametrize("module", [one for one in MODULES if TASKS not in one.parents], ids=name)
def test_only_a_tasks_own_module_decides_by_the_task(module: Path) -> None:
    assert list(decisions(module.read_text())) == []


@pytest.mark.parametrize(
    "code",
    [
        'const hasThreshold = task === "detect";',
        "if (wanted !== record?.task) return;",
        "switch (record.task) {",
        'const WORDS = new Map([["label-map", "Areas"]]);',
        "title.textContent = TITLES.get(pack.task) ?? pack.task;",
        "const draw = DRAWERS[record.task];",
        "const draw = DRAWERS[task];",
        "if (record.legend) return areas(record);",
        "const map = record.map ? await readGrayPng(record.map) : null;",
        "note.hidden = !record?.truncated;",
        "const { classes } = state.record;",
    ],
)
def test_the_law_sees_what_it_forbids(code: str) -> None:
    assert list(decisions(code))


@pytest.mark.parametrize(
    "code",
    [
        'const title = state.task.title; // not by task === "detect"',
        "const pixels = await taskOf(answer.record.task).unpack(answer.record);",
        "if (record && state.task.scores(record)) screen.setThreshold(0.5);",
        "return names.map((one) => one.label);",
        "return taskOf(pack.task).words || pack.task;",
        "const same = taskOf(pack.task) === state.task.sibling;",
    ],
)
def test_the_law_lets_a_task_be_asked(code: str) -> None:
    assert list(decisions(code)) == []


def test_a_task_has_one_module_and_every_task_of_packs_is_known() -> None:
    table = bare((TASKS / "table.js").read_text())
    rows = dict(re.findall(r'\["([\w-]+)", (\w+)\]', table))
    assert set(PACK_TASKS) <= set(rows)
    modules = {path.stem for path in TASKS.glob("*.js")} - {"table", "task"}
    imported = dict(re.findall(r'import { (\w+) } from "\./(\w+)\.js";', table))
    assert set(imported.values()) == modules
    assert set(rows.values()) | {"unknown"} == set(imported)
