"""What a caller said of a job, by name and as text; each reader refuses what makes no sense."""

from __future__ import annotations

from collections.abc import Mapping

from haversack.errors import HaversackError

Wishes = Mapping[str, str]
"""What a caller gave, by name: by the query, or by fields of a form."""

_SHOWN = 40
_LONGEST_WHOLE = 12
# A form's tick says "on".
_FLAGS = {"": False, "0": False, "false": False, "1": True, "true": True, "on": True}


def flag(wishes: Wishes, name: str) -> bool:
    """A switch such as ?map. Raises HaversackError `query-invalid`."""
    text = wishes.get(name, "")
    if text.lower() not in _FLAGS:
        raise HaversackError(
            "query-invalid", f"{name} is {text[:_SHOWN]!r}; true or false is needed"
        )
    return _FLAGS[text.lower()]


def share(wishes: Wishes, name: str) -> float | None:
    """A number from 0 to 1, such as ?threshold; None where it is left out.

    Raises:
        HaversackError: `query-invalid`.
    """
    text = wishes.get(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise HaversackError(
            "query-invalid", f"{name} is {text[:_SHOWN]!r}; a number from 0 to 1 is needed"
        )
    return value


def whole(wishes: Wishes, name: str, span: tuple[int, int]) -> int | None:
    """A whole number from the first of `span` to the last; None where it is left out.

    Raises:
        HaversackError: `query-invalid`.
    """
    text = wishes.get(name)
    if text is None:
        return None
    low, high = span
    digits = text.removeprefix("-")
    is_number = digits.isascii() and digits.isdecimal() and len(digits) < _LONGEST_WHOLE
    value = int(text) if is_number else None
    if value is None or not low <= value <= high:
        raise HaversackError(
            "query-invalid",
            f"{name} is {text[:_SHOWN]!r}; a whole number from {low} to {high} is needed",
        )
    return value


def line(wishes: Wishes, name: str, most: int) -> str:
    """A line of text, "" where it is left out. Raises HaversackError `query-invalid`."""
    text = wishes.get(name, "")
    if len(text) > most or not text.isprintable():
        raise HaversackError(
            "query-invalid",
            f"{name} is {text[:_SHOWN]!r} of {len(text)} characters; {most} printable ones are "
            "allowed",
        )
    return text
