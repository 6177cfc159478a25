"""How many lines of an attempt come into the log."""

from __future__ import annotations

from haversack.jobs.command.notes import LAST_LINES, MOST_LINES, WHILE_SECONDS, Notes


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_few_lines_are_all_written_once() -> None:
    said: list[str] = []
    notes = Notes(said.append, Clock())
    for number in range(MOST_LINES):
        notes.add(str(number))
    notes.end()
    assert said == [str(number) for number in range(MOST_LINES)]


def test_of_many_lines_the_first_and_last_are_written_and_the_others_counted() -> None:
    said: list[str] = []
    notes = Notes(said.append, Clock())
    for number in range(12_345):
        notes.add(str(number))
    assert len(said) == MOST_LINES
    notes.end()
    assert said[MOST_LINES] == f"... and {12_345 - MOST_LINES - LAST_LINES:,} more lines"
    assert said[MOST_LINES + 1 :] == [str(number) for number in range(12_345 - LAST_LINES, 12_345)]


def test_after_a_while_lines_are_written_again() -> None:
    said: list[str] = []
    clock = Clock()
    notes = Notes(said.append, clock)
    for _ in range(MOST_LINES + 5):
        notes.add("before")
    clock.now = WHILE_SECONDS
    notes.add("after")
    notes.end()
    assert said[MOST_LINES:] == ["... and 5 more lines", "after"]
