"""Records, exports, tables and answers are what they were; see `make.py`."""

from __future__ import annotations

import pytest
from tests.golden.masks import differences
from tests.golden.written import ANSWERS, PARTS, Bench, bench

_COUNTED = "a survey's record says how many candidates there were where it is truncated"
_COLUMN = "and the run keeps their number, in a column of its own"
WANTED: tuple[tuple[str, str], ...] = (
    ("export-results.jsonl.txt", _COUNTED),
    ("http-jobs.txt", _COUNTED),
    ("survey-tables.txt", _COLUMN),
    ("survey-overview.txt", _COLUMN),
    ("openapi.txt", "a record's outputs, of task tensor, are among its fields"),
    ("openapi.txt", "/status says on which device a model is, and of that device's memory"),
)
"""(file, why): answers that are meant to differ from the commit in old/README.md.

A change that is meant is made in the golden file too, in the same commit, and named here."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench(tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("part", PARTS)
def test_what_is_answered_is_what_was_answered(made: Bench, part: str) -> None:
    answers = PARTS[part](made)
    differing = {
        name: differences((ANSWERS / name).read_text("utf-8"), text)[:10]
        for name, text in answers.items()
    }
    told = [f"{name}: {line}" for name, lines in differing.items() for line in lines]
    assert not told, "\n".join(told)


def test_every_golden_file_is_of_a_part() -> None:
    starts = ("packs", "predict-", "http-", "openapi", "survey-", "export-")
    assert all(path.name.startswith(starts) for path in ANSWERS.iterdir())
    assert len(list(ANSWERS.iterdir())) > 30


def test_each_wanted_difference_names_a_golden_file_and_says_why() -> None:
    for name, why in WANTED:
        assert (ANSWERS / name).is_file(), name
        assert why


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ('{"score":0.8565}', '{"score":0.8567}'),
        ('{"box":[1.0,20.5]}', '{"box":[1.0,20.55]}'),
        ('{"truncated":true}', "{}"),
        ('{"pixels":2700}', '{"pixels":2701}'),
        ("a\nb", "a"),
        ('{"label":"dog"}', '{"label":"cat"}'),
        ("0.5", "0"),
    ],
)
def test_a_difference_is_seen(before: str, now: str) -> None:
    assert differences(before, now)
    assert not differences(before, before)


def test_the_last_place_of_a_rounded_number_is_let_be() -> None:
    assert not differences('{"score":0.8565,"box":[132.76]}', '{"score":0.8566,"box":[132.75]}')
