"""Limits of a process that runs packs for others, a server or a worker: options and values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from haversack.cli.options import SizeType
from haversack.serve.options import ServeOptions
from haversack.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
_SIZE = SizeType()


def memory_options(function: F) -> F:
    """`--memory` and `--decode-limit`; see `memory_limits`."""
    for option in (
        click.option(
            "--decode-limit",
            type=_SIZE,
            help="Most memory for decoding, together and for one photo. "
            "[default: 256M, or what is left]",
        ),
        click.option(
            "--memory",
            type=_SIZE,
            help="Most of the whole process. "
            "[default: what it may use, less a tenth, 64M at least]",
        ),
    ):
        function = option(function)
    return function


def memory_limits(
    memory: int | None, decode_limit: int | None, threads: int | None, settings: Settings
) -> ServeOptions:
    """The limits that these options and the environment set; all others are as by default."""
    limits = ServeOptions(
        memory_bytes=memory,
        decode_limit_bytes=decode_limit or settings.decode_limit_bytes,
        is_decode_limit_given=decode_limit is not None or settings.names_decode_limit,
    )
    return limits if threads is None else replace(limits, threads=threads)
