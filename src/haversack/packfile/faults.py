"""Plain values turned into structs field by field, so that every fault is found in one pass."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from typing import Annotated, Any, Final, get_args, get_origin

import msgspec
from msgspec import inspect

_RECEIVED_LETTERS = 60

BAD: Final = object()
"""Stands for a value that could not be converted; its fault is in the list."""


def convert_table(
    kind: type[msgspec.Struct], table: object, at: str, faults: list[str]
) -> dict[str, Any]:
    """The fields of `kind` found good in `table`, or defaulted; bad ones are left out.

    Args:
        kind: the struct.
        table: what TOML gave; anything but a mapping is a fault of its own.
        at: the dotted name of the table, "" for the whole file.
        faults: gets one line per fault: the field, what was received, what is allowed.
    """
    if not isinstance(table, Mapping):
        faults.append(f"{at}: received {shown(table)}; a table is needed")
        return {}
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name in sorted(map(str, table.keys() - known.keys())):
        allowed = ", ".join(known)
        faults.append(
            f"{_join(at, name)}: unknown field, received {shown(table[name])}; "
            f"fields here are {allowed}"
        )
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name in table:
            value = convert(field.type, table[name], _join(at, name), faults)
            if value is not BAD:
                values[name] = value
        elif field.required:
            faults.append(f"{_join(at, name)}: missing; {allowed_text(field.type)} is needed")
        elif field.default is not msgspec.NODEFAULT:
            values[name] = field.default
        else:
            values[name] = field.default_factory()
    return values


def convert(kind: Any, value: object, at: str, faults: list[str]) -> Any:
    """`value` as `kind`, or `BAD` with a line in `faults` for each thing wrong inside it."""
    before = len(faults)
    struct = _struct_of(kind)
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    origin, inner = get_origin(bare), get_args(bare)
    if struct is not None:
        values = convert_table(struct, value, at, faults)
        return struct(**values) if len(faults) == before else BAD
    if origin is tuple and isinstance(value, list):
        items = [
            convert(inner[0], item, f"{at}[{place}]", faults) for place, item in enumerate(value)
        ]
        return tuple(items) if len(faults) == before else BAD
    if origin is dict and isinstance(value, Mapping):
        pairs = {
            key: convert(inner[1], item, f'{at}."{key}"', faults) for key, item in value.items()
        }
        return pairs if len(faults) == before else BAD
    return _leaf(kind, value, at, faults)


def shown(value: object) -> str:
    """`value` as Python writes it, cut to 60 letters."""
    text = repr(value)
    return text if len(text) <= _RECEIVED_LETTERS else text[: _RECEIVED_LETTERS - 3] + "..."


def allowed_text(kind: Any) -> str:
    """What a field of type `kind` may hold, in words."""
    return _words(inspect.type_info(kind))


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _struct_of(kind: Any) -> type[msgspec.Struct] | None:
    """The struct in `kind` or in `kind | None`."""
    options = get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    for option in options:
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            return option
    return None


def _leaf(kind: Any, value: object, at: str, faults: list[str]) -> Any:
    try:
        converted = msgspec.convert(value, kind)
    except msgspec.ValidationError:
        faults.append(f"{at}: received {shown(value)}; {allowed_text(kind)} is needed")
        return BAD
    parts = converted if isinstance(converted, list) else [converted]
    if any(isinstance(part, float) and not math.isfinite(part) for part in parts):
        faults.append(f"{at}: received {shown(value)}; a finite number is needed")
        return BAD
    return converted


def _words(info: inspect.Type) -> str:
    match info:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            return str(extra["description"]) if extra and "description" in extra else _words(inner)
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(repr(value) for value in values)
        case inspect.UnionType(types=options):
            return " or ".join(_words(option) for option in options)
        case inspect.IntType():
            return "a whole number" + _bounds(info)
        case inspect.FloatType():
            return "a number" + _bounds(info)
        case inspect.StrType(pattern=pattern):
            return "text" if pattern is None else f"text like {pattern}"
        case inspect.BoolType():
            return "true or false"
        case inspect.DateTimeType():
            return "a date with time, like 2026-11-20T12:00:00Z,"
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return f"a list (each {_words(item)})"
        case _:
            return "a table"


def _bounds(info: inspect.IntType | inspect.FloatType) -> str:
    low = info.ge if info.ge is not None else info.gt
    high = info.le if info.le is not None else info.lt
    above = " above" if info.gt is not None else " from"
    start = "" if low is None else f"{above} {low:g}"
    return start if high is None else f"{start} up to {high:g}"
