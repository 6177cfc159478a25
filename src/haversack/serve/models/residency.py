"""The memory of loaded packs: their sessions, and the workspace that calls of models share."""

from __future__ import annotations

import threading
from collections.abc import Collection, Hashable

from haversack.engine.budget import MemoryBudget
from haversack.serve.models.memory_plan import least_bytes
from haversack.serve.models.sizes import PackBytes

UNLIMITED_BYTES = 1 << 62
_MOST_ROWS = 8  # of the largest batch that a profile measures


class Residency:
    """Which packs are in memory, and what is left for others.

    Promises: sessions and the workspace together stay within `packs_bytes`, unless a pack turns
    out larger than it was told: `excess_bytes` says so. The workspace is never smaller than the
    largest call, so a call with nothing before it always runs. Any thread may call.

    Attributes:
        packs_bytes: for all of them.
        workspace: what calls of models take from while they run.
    """

    def __init__(self, packs_bytes: int = UNLIMITED_BYTES, turns: int = 2) -> None:
        self.packs_bytes = packs_bytes
        self.workspace = MemoryBudget(0)
        self._turns = turns
        self._lock = threading.Lock()
        self._inside: dict[Hashable, PackBytes] = {}

    def fits(self, size: PackBytes, *, without: Collection[Hashable] = ()) -> bool:
        """Whether a pack could be opened beside those inside, less those of `without`."""
        with self._lock:
            others = [one for key, one in self._inside.items() if key not in without]
        return least_bytes([*others, size.while_opening()]) <= self.packs_bytes

    def enter(self, key: Hashable, size: PackBytes, *, instead_of: Hashable = None) -> None:
        """Count a pack, perhaps in another's place."""
        with self._lock:
            self._inside.pop(instead_of, None)
            self._inside[key] = size
            self._divide()

    def leave(self, key: Hashable) -> None:
        """Count a pack no more: its memory is free."""
        with self._lock:
            self._inside.pop(key, None)
            self._divide()

    @property
    def sessions_bytes(self) -> int:
        """What all sessions take."""
        with self._lock:
            return sum(size.session_bytes for size in self._inside.values())

    @property
    def excess_bytes(self) -> int:
        """By how much those inside exceed the whole; 0 when all is well."""
        with self._lock:
            return max(least_bytes([*self._inside.values()]) - self.packs_bytes, 0)

    def _divide(self) -> None:
        """Give the workspace what sessions leave, as far as all turns together could use it.

        A turn may be a batch of jobs' photos, where there is memory for one. Calls under way keep
        what they took; those that follow wait until there is room.
        """
        inside = self._inside.values()
        largest = max((size.call_bytes for size in inside), default=0)
        wanted = self._turns * sum(size.call_of(_MOST_ROWS) for size in inside)
        left = self.packs_bytes - sum(size.session_bytes for size in inside)
        self.workspace.resize(max(min(wanted, left), largest))
