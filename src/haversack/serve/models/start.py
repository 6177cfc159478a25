"""Before a server or worker starts: what it will hold, and whether that fits."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from haversack.engine.devices import CPU, Device, DeviceMemory, DeviceReader
from haversack.engine.limits import memory_limit
from haversack.engine.ort import device_memory
from haversack.errors import HaversackError
from haversack.measure.memory import rested_bytes
from haversack.packfile.archive import PackFiles, open_pack
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.device_plan import DeviceWish, divide_device
from haversack.serve.models.loaded import key_of
from haversack.serve.models.memory_plan import MemoryPlan, NamedPack, Wish, divide
from haversack.serve.models.sizes import Sizes
from haversack.serve.options import ServeOptions

# For the event loop, threads' stacks and lazily imported modules (Pillow: 5 MB). A choice with
# some room, not a measurement.
_GROWTH_BYTES = 12 << 20


@dataclass(frozen=True, kw_only=True)
class Start:
    """What is known before the first pack is loaded.

    Attributes:
        wish: what was reckoned with.
        plan: how memory is divided.
        sizes: of packs.
        options: with the decode limit that the room allows.
        opened: packs that were checked already, by path.
        devices: bytes for packs, of each device with memory of its own.
    """

    wish: Wish
    plan: MemoryPlan
    sizes: Sizes
    options: ServeOptions
    opened: dict[Path, PackFiles]
    devices: dict[Device, int] = field(default_factory=dict)


def prepare(
    packs: Sequence[Path],
    options: ServeOptions,
    cache: Path | None,
    *,
    has_door: bool = True,
    read_device: DeviceReader = device_memory,
) -> Start:
    """Divide the memory of a server, or of a worker without a door, for those packs.

    A pack that cannot be opened is left out: loading it says why.

    Raises:
        HaversackError: `memory-too-small` with the sum; `device-missing`.
    """
    sizes, opened = Sizes(cache, options.device), dict[Path, PackFiles]()
    for path in packs:
        with contextlib.suppress(HaversackError, OSError):
            opened[path] = open_pack(path)
    wish = Wish(
        whole_bytes=options.memory_bytes,
        request_bytes=options.decode_limit_bytes if options.is_decode_limit_given else None,
        limit=memory_limit(),
        floor_bytes=rested_bytes() + _GROWTH_BYTES,
        pinned=[
            NamedPack(name=f"{one.manifest.name}@{one.manifest.version}", size=sizes.of(one))
            for one in opened.values()
        ],
        has_door=has_door,
    )
    plan = divide(wish)
    devices = {}
    if options.device != CPU:
        devices[options.device] = divide_device(
            DeviceWish(
                device=options.device,
                whole_bytes=options.device_memory_bytes,
                memory=read_device(options.device),
                pinned=_on(options.device, wish.pinned),
            )
        )
    return Start(
        wish=wish,
        plan=plan,
        sizes=sizes,
        options=replace(
            options,
            decode_limit_bytes=plan.requests_bytes,
            device_memory_bytes=devices.get(options.device),
        ),
        opened=opened,
        devices=devices,
    )


def check_loaded(start: Start, catalogue: Catalogue) -> None:
    """Now that the named packs are loaded and measured: whether they still fit.

    Raises:
        HaversackError: `memory-too-small` with the sum, as measured.
    """
    over = catalogue.loaded_models.policy.residency.excess()
    if not over:
        return
    measured = [
        NamedPack(name="{}@{}".format(*key_of(model)), size=model.size)
        for model in catalogue.models()
    ]
    wish = replace(
        start.wish,
        whole_bytes=start.plan.whole_bytes,
        request_bytes=start.plan.requests_bytes,
        pinned=measured,
    )
    divide(wish)
    for device in over.keys() - {CPU}:
        # As at the start, when nothing of it was in use.
        room = start.devices[device]
        memory = DeviceMemory(whole_bytes=room, free_bytes=room)
        pinned = _on(device, measured)
        divide_device(DeviceWish(device=device, whole_bytes=room, memory=memory, pinned=pinned))


def _on(device: Device, packs: Sequence[NamedPack]) -> list[NamedPack]:
    return [replace(pack, size=pack.size.on(device)) for pack in packs]
