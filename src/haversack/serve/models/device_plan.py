"""How much of a device's own memory packs get, and why a server may not start on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from haversack.engine.devices import Device, DeviceMemory
from haversack.errors import HaversackError, Kind
from haversack.serve.models.memory_plan import NamedPack, default_whole, least_bytes
from haversack.units import format_bytes


@dataclass(frozen=True, kw_only=True)
class DeviceWish:
    """What a server is to hold on a device.

    Attributes:
        device: the device.
        whole_bytes: --device-memory, or None for what is free, less a reserve.
        memory: as the device tells it.
        pinned: packs that must stay there, in order.
    """

    device: Device
    whole_bytes: int | None
    memory: DeviceMemory
    pinned: Sequence[NamedPack] = ()


def divide_device(wish: DeviceWish) -> int:
    """Bytes for packs and calls of them; more than is free there is never promised.

    Raises:
        HaversackError: `memory-too-small`, with the sum in `details` where packs do not fit.
    """
    free = wish.memory.free_bytes
    whole = max(default_whole(free), 0) if wish.whole_bytes is None else wish.whole_bytes
    if whole > free:
        raise HaversackError(
            "memory-too-small",
            f"--device-memory {format_bytes(whole)} was given, and {wish.device} has "
            f"{format_bytes(free)} free of {format_bytes(wish.memory.whole_bytes)}",
            hint="Leave --device-memory out: then the server takes what is free, less a reserve.",
            kind=Kind.UNAVAILABLE,
        )
    if least_bytes([pack.size for pack in wish.pinned]) > whole:
        raise _too_small(wish, whole)
    return whole


def _too_small(wish: DeviceWish, whole: int) -> HaversackError:
    calls = max((pack.size.call_bytes for pack in wish.pinned), default=0)
    lines = [(f"{pack.name}, {pack.size.source}", pack.size.session_bytes) for pack in wish.pinned]
    lines.append(("one call of a model", calls))
    need = sum(size for _, size in lines)
    details = [f"{format_bytes(size):>9}  {name}" for name, size in lines]
    details.append(f"{format_bytes(need):>9}  together, and {format_bytes(whole)} are there")
    return HaversackError(
        "memory-too-small",
        f"the packs need {format_bytes(need)} of the memory of {wish.device}, and there are "
        f"{format_bytes(whole)} for them",
        hint="Serve fewer packs there, or name their folder instead of the packs: then those that "
        "do not fit are loaded when they are asked for. Or end what else uses the device.",
        kind=Kind.UNAVAILABLE,
        details=tuple(details),
    )
