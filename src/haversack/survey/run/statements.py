"""The survey's SQL by name, from the .sql files beside this one."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def statement(name: str) -> str:
    """One statement of statements.sql; KeyError where there is none of that name."""
    return _statements()[name]


@cache
def schema() -> str:
    """The whole of schema.sql."""
    return _read("schema.sql")


@cache
def _statements() -> dict[str, str]:
    parts = _NAME.split(_read("statements.sql"))
    return {
        name: text.strip().removesuffix(";")
        for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def _read(name: str) -> str:
    return (resources.files("haversack.survey.run") / name).read_text(encoding="utf-8")
