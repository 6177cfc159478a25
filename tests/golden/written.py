"""Every golden answer by the name of its file, in parts that need one shell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.golden.bench import Shell
from tests.golden.commands import pack_answers, predict_answers
from tests.golden.http import http_answers
from tests.golden.material import import_packs
from tests.golden.surveys import survey_answers

ANSWERS = Path(__file__).parent / "answers"


@dataclass(frozen=True)
class Bench:
    """A shell in a folder with the packs.

    Attributes:
        told: what each import printed.
    """

    shell: Shell
    told: dict[str, str]


def bench(folder: Path) -> Bench:
    """The packs are imported once."""
    shell = Shell(folder)
    return Bench(shell, import_packs(shell))


PARTS: dict[str, Callable[[Bench], dict[str, str]]] = {
    "packs": lambda bench: pack_answers(bench.shell, bench.told),
    "predict": lambda bench: predict_answers(bench.shell),
    "http": lambda bench: http_answers(bench.shell),
    "survey": lambda bench: survey_answers(bench.shell),
}
"""Each part writes files that no other does."""
