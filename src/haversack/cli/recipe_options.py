"""Options made from the fields of a recipe: name, type and help stand there, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from msgspec import inspect

from haversack.pack.graph.heads.table import HEADS
from haversack.pack.recipe import recipe_fields
from haversack.packfile.explained import explanation

F = TypeVar("F", bound=Callable[..., Any])

# Where help does not follow the recipe: which option comes right before which, and the last.
_BEFORE = {"task": "head", "crop": "kernel"}
_LAST = "description"


def recipe_options(function: F) -> F:
    """An option for each value of a recipe; None stands for "not given"."""
    for name in reversed(_in_order()):
        kind = recipe_fields()[name].type
        line = explanation(kind).format(heads=", ".join(HEADS))
        function = _option(name.replace("_", "-"), inspect.type_info(kind), line)(function)
    return function


def _in_order() -> list[str]:
    names = list(recipe_fields())
    for name, follower in _BEFORE.items():
        names.remove(name)
        names.insert(names.index(follower), name)
    names.remove(_LAST)
    return [*names, _LAST]


def _option(name: str, info: inspect.Type, line: str) -> Callable[[F], F]:
    match info:
        case inspect.Metadata(type=inner):
            return _option(name, inner, line)
        case inspect.UnionType(types=(inner, inspect.NoneType())):
            return _option(name, inner, line)
        case inspect.BoolType():
            return click.option(f"--{name}/--no-{name}", default=None, help=line)
        case inspect.IntType():
            return click.option(f"--{name}", type=int, help=line)
        case inspect.FloatType():
            return click.option(f"--{name}", type=float, help=line)
        case inspect.VarTupleType():
            return click.option(f"--{name}", callback=_numbers, help=line)
        case _:
            return click.option(f"--{name}", help=line)


def _numbers(ctx: click.Context, param: click.Parameter, value: str | None) -> list[float] | None:
    """ "0.485,0.456,0.406" or one number."""
    if value is None:
        return None
    try:
        return [float(part) for part in value.split(",")]
    except ValueError as fault:
        raise click.BadParameter(f"numbers with commas between them; received {value!r}") from fault
