"""Limits of a process that runs packs for others, a server or a worker: options and values."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import click

from haversack.cli.options import DeviceType, SizeType
from haversack.engine.devices import CPU, Device
from haversack.serve.options import ServeOptions
from haversack.settings import Settings

_SIZE = SizeType()


@dataclass(frozen=True, kw_only=True)
class MemoryWish:
    """What was given of these options.

    Attributes:
        memory: most of the whole process, or None.
        decode_limit: most for decoding, or None.
        device: where models run.
        device_memory: most of its own memory, or None.
    """

    memory: int | None
    decode_limit: int | None
    device: Device
    device_memory: int | None


def memory_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--memory`, `--decode-limit`, `--device` and `--device-memory`, as one argument `memory`."""

    @functools.wraps(function)
    def limited(
        *words: Any,
        memory: int | None,
        decode_limit: int | None,
        device: Device,
        device_memory: int | None,
        **values: Any,
    ) -> Any:
        if device == CPU and device_memory is not None:
            raise click.UsageError("--device-memory is of a GPU; give --device cuda beside it.")
        wish = MemoryWish(
            memory=memory, decode_limit=decode_limit, device=device, device_memory=device_memory
        )
        return function(*words, memory=wish, **values)

    for option in (
        click.option(
            "--device-memory",
            type=_SIZE,
            help="Most of a GPU's own memory, for packs. "
            "[default: what is free, less a tenth, 64M at least]",
        ),
        click.option(
            "--device",
            type=DeviceType(),
            default=CPU,
            show_default=True,
            help="Where models run: cpu, cuda or cuda:N; never on another.",
        ),
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
        limited = option(limited)
    return limited


def memory_limits(wish: MemoryWish, threads: int | None, settings: Settings) -> ServeOptions:
    """The limits that these options and the environment set; all others are as by default."""
    limits = ServeOptions(
        memory_bytes=wish.memory,
        decode_limit_bytes=wish.decode_limit or settings.decode_limit_bytes,
        is_decode_limit_given=wish.decode_limit is not None or settings.names_decode_limit,
        device=wish.device,
        device_memory_bytes=wish.device_memory,
    )
    return limits if threads is None else replace(limits, threads=threads)
