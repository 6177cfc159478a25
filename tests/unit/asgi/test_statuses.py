"""Every kind of error has a status, and every error the one that it always had."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.raised_errors import kinds_of_codes

from haversack.asgi import statuses
from haversack.asgi.statuses import STATUSES, kind_of, status_of
from haversack.cli.exits import exit_code
from haversack.errors import HaversackError, Kind

KINDS = kinds_of_codes()
# "status exit" of every code when statuses were told by codes, on 2026-11-27.
ANSWERS: dict[str, str] = json.loads(Path(__file__).with_name("error_answers.json").read_text())


def test_every_kind_has_a_status_and_an_exit_code() -> None:
    assert set(STATUSES) == set(Kind)
    # Ours is the fault of a 5xx, and another try may help; a caller's own is usage.
    ours = {Kind.DEADLINE, Kind.UNAVAILABLE, Kind.INTERNAL}
    assert {kind for kind, status in STATUSES.items() if status >= 500} == ours
    assert {kind for kind in Kind if exit_code(kind) == 1} == {*ours, Kind.OVERLOADED}


@pytest.mark.parametrize("kind", Kind)
def test_a_status_leads_back_to_its_kind(kind: Kind) -> None:
    assert kind_of(STATUSES[kind]) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [(405, Kind.INVALID), (431, Kind.INVALID), (502, Kind.UNAVAILABLE)],
)
def test_another_status_is_the_callers_or_the_servers_fault(status: int, kind: Kind) -> None:
    assert kind_of(status) is kind


@pytest.mark.parametrize("code", sorted(ANSWERS.keys() & KINDS.keys()))
def test_every_error_keeps_its_status_and_its_exit_code(code: str) -> None:
    found = {
        f"{status_of(HaversackError(code, '', kind=kind))} {exit_code(kind)}"
        for kind in KINDS[code]
    }
    assert ", ".join(sorted(found)) == ANSWERS[code]


def test_a_code_with_a_status_of_its_own_is_raised_somewhere() -> None:
    assert statuses._BY_CODE.keys() <= KINDS.keys()
