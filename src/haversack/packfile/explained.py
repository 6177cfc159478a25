"""A line of help on a table's field, beside its type, limits and default."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import inspect

_KEY = "help"


def explained(line: str) -> msgspec.Meta:
    """For `Annotated`: what a person is told of the field, as an option for example."""
    return msgspec.Meta(extra={_KEY: line})


def explanation(kind: Any) -> str:
    """The line given to a field of type `kind`, or "" for none."""
    info = inspect.type_info(kind)
    extra = info.extra if isinstance(info, inspect.Metadata) else None
    return str(extra[_KEY]) if extra and _KEY in extra else ""


def default_of(table: type[msgspec.Struct], name: str) -> Any:
    """The default of the field `name` of `table`, for another table with the same field."""
    return next(field.default for field in msgspec.structs.fields(table) if field.name == name)
