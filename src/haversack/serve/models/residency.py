"""The memory of loaded packs on each device: their sessions, and the workspace that calls share."""

from __future__ import annotations

import threading
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field

from haversack.engine.budget import MemoryBudget
from haversack.engine.devices import CPU, Device
from haversack.serve.models.memory_plan import least_bytes
from haversack.serve.models.sizes import PackBytes

UNLIMITED_BYTES = 1 << 62
_MOST_ROWS = 8  # of the largest batch that a profile measures


def on_device(device: Device) -> str:
    """Where memory is, after its size in a sentence."""
    return "" if device == CPU else f" on {device}"


def memory_option(device: Device) -> str:
    """The option that gives more of a device's memory."""
    return "--memory" if device == CPU else "--device-memory"


@dataclass(frozen=True, kw_only=True)
class DevicePacks:
    """What packs may take and take of one device's memory, as of one moment.

    Attributes:
        device: whose; "cpu" stands for the machine's own memory.
        packs_bytes: for all packs and their calls.
        sessions_bytes: what all sessions take of it.
    """

    device: Device
    packs_bytes: int
    sessions_bytes: int


@dataclass(kw_only=True)
class _Part:
    """One device's memory for packs. Its ledger's lock is held by whoever calls.

    Attributes:
        device: whose; "cpu" stands for the machine's own memory.
        packs_bytes: for all packs.
        turns: calls of one model at once.
        workspace: what calls of models take from while they run.
        inside: what each pack takes here.
    """

    device: Device
    packs_bytes: int
    turns: int
    workspace: MemoryBudget = field(default_factory=lambda: MemoryBudget(0))
    inside: dict[Hashable, PackBytes] = field(default_factory=dict)

    @property
    def sessions_bytes(self) -> int:
        """What all sessions take."""
        return sum(size.session_bytes for size in self.inside.values())

    @property
    def excess_bytes(self) -> int:
        """By how much those inside exceed the whole; 0 when all is well."""
        return max(least_bytes([*self.inside.values()]) - self.packs_bytes, 0)

    def fits(self, size: PackBytes, without: Collection[Hashable]) -> bool:
        """Whether a pack could be opened beside those inside, less those of `without`."""
        others = [one for key, one in self.inside.items() if key not in without]
        return least_bytes([*others, size.while_opening()]) <= self.packs_bytes

    def divide(self) -> None:
        """Give the workspace what sessions leave: of the machine's memory as far as all turns
        together could use it, of a device's all, since there a call that does not fit is refused.

        A turn may be a batch of jobs' photos, where there is memory for one. Calls under way keep
        what they took; those that follow wait until there is room.
        """
        inside = self.inside.values()
        largest = max((size.call_bytes for size in inside), default=0)
        room = self.packs_bytes - self.sessions_bytes
        if self.device == CPU:
            room = min(room, self.turns * sum(size.call_of(_MOST_ROWS) for size in inside))
        self.workspace.resize(max(room, largest))

    def seen(self) -> DevicePacks:
        """As it is now."""
        return DevicePacks(
            device=self.device,
            packs_bytes=self.packs_bytes,
            sessions_bytes=self.sessions_bytes,
        )


class Residency:
    """Which packs are in memory, and what is left for others: one part for each device.

    Promises: on each device sessions and the workspace together stay within its `packs_bytes`,
    unless a pack turns out larger than it was told: `excess` says so. A workspace is never
    smaller than the largest call, so a call with nothing before it always runs. Any thread may
    call.

    Args:
        packs_bytes: of the machine's memory, for all packs.
        turns: calls of one model at once.
        devices: the same for each device that has memory of its own.
    """

    def __init__(
        self,
        packs_bytes: int = UNLIMITED_BYTES,
        turns: int = 2,
        devices: Mapping[Device, int] | None = None,
    ) -> None:
        self._lock = threading.Lock()
        wholes = {CPU: packs_bytes, **(devices or {})}
        self._parts = {
            device: _Part(device=device, packs_bytes=whole, turns=turns)
            for device, whole in wholes.items()
        }

    @property
    def machine(self) -> DevicePacks:
        """What packs take of the machine's memory, now."""
        with self._lock:
            return self._parts[CPU].seen()

    @property
    def workspace(self) -> MemoryBudget:
        """What calls of models take from the machine's memory while they run."""
        return self._parts[CPU].workspace

    @property
    def workspaces(self) -> dict[Device, MemoryBudget]:
        """The same of each device with memory of its own."""
        return {device: one.workspace for device, one in self._parts.items() if device != CPU}

    @property
    def devices(self) -> list[DevicePacks]:
        """What packs take on each device with memory of its own, now."""
        with self._lock:
            return [one.seen() for device, one in self._parts.items() if device != CPU]

    def fits(self, size: PackBytes, *, without: Collection[Hashable] = ()) -> bool:
        """Whether a pack could be opened beside those inside, less those of `without`."""
        return self.full(size, without=without) is None

    def full(self, size: PackBytes, *, without: Collection[Hashable] = ()) -> DevicePacks | None:
        """The device that has no room for a pack beside those inside, less `without`."""
        with self._lock:
            for part in self._parts.values():
                if not part.fits(size.on(part.device), without):
                    return part.seen()
        return None

    def too_small(self, size: PackBytes) -> DevicePacks | None:
        """The device into which a pack would not fit if it were alone."""
        with self._lock:
            for part in self._parts.values():
                if least_bytes([size.on(part.device).while_opening()]) > part.packs_bytes:
                    return part.seen()
        return None

    def enter(self, key: Hashable, size: PackBytes, *, instead_of: Hashable = None) -> None:
        """Count a pack, perhaps in another's place."""
        with self._lock:
            for part in self._parts.values():
                part.inside.pop(instead_of, None)
                part.inside[key] = size.on(part.device)
                part.divide()

    def leave(self, key: Hashable) -> None:
        """Count a pack no more: its memory is free."""
        with self._lock:
            for part in self._parts.values():
                part.inside.pop(key, None)
                part.divide()

    @property
    def sessions_bytes(self) -> int:
        """What all sessions take of the machine's memory."""
        with self._lock:
            return self._parts[CPU].sessions_bytes

    def excess(self) -> Mapping[Device, int]:
        """By how much those inside exceed the whole, on each device where they do."""
        with self._lock:
            found = {device: one.excess_bytes for device, one in self._parts.items()}
        return {device: excess for device, excess in found.items() if excess}
