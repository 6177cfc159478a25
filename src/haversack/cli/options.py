"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from haversack.engine.devices import Device, is_device
from haversack.packfile.archive import PackFiles, open_pack
from haversack.packfile.repository import resolve
from haversack.permissions import not_permitted
from haversack.samples.bundle import BUNDLED_PACKS
from haversack.settings import from_environment
from haversack.units import parse_bytes

F = TypeVar("F", bound=Callable[..., Any])


class SizeType(click.ParamType[int]):
    """A size such as 512M, as bytes, above 0."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Bytes; raises HaversackError `size-unreadable`."""
        size = value if isinstance(value, int) else parse_bytes(value)
        if size < 1:
            self.fail(f"a size above 0 is needed; received {value!r}", param, ctx)
        return size


class DeviceType(click.ParamType[Device]):
    """`cpu`, `cuda` or `cuda:N`."""

    name = "device"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The device's name, as it is written."""
        if not isinstance(value, str) or not is_device(value):
            self.fail(f"{value!r} is no device; there are cpu, cuda and cuda:N", param, ctx)
        return value


class ExistingPath(click.Path):
    """A path that must be there; one that this user may not look at is not called missing."""

    def __init__(self, **wanted: bool) -> None:
        super().__init__(path_type=Path, exists=True, **wanted)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; raises HaversackError `path-not-permitted`."""
        try:
            os.stat(value)
        except PermissionError as fault:
            raise not_permitted(Path(value)) from fault
        except (OSError, ValueError):
            pass  # click's to say
        return super().convert(value, param, ctx)


def packs_option(function: F) -> F:
    """`--packs`: where names are looked up."""
    return click.option(
        "--packs",
        "repositories",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Repository of packs to look names up in, before HAVERSACK_PACKS and ./packs. "
        "May be given several times.",
    )(function)


def share(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """A number from 0 to 1; NaN is none, which click's own range lets pass."""
    if value is not None and not 0 <= value <= 1:
        raise click.BadParameter(f"a number from 0 to 1 is needed; received {value}")
    return value


def json_option(function: F) -> F:
    """`--json`: one record a line on standard output."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON record a line.")(function)


def find_pack(text: str, repositories: tuple[Path, ...]) -> PackFiles:
    """The pack a person named: a folder, a .pack file or name[@version], fully checked."""
    return open_pack(resolve(text, known_repositories(repositories)))


def known_repositories(first: tuple[Path, ...] = ()) -> tuple[Path, ...]:
    """Every place where names are looked up, in order; the packs that come along are last."""
    return (*first, *from_environment().pack_repositories, BUNDLED_PACKS)
