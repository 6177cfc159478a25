"""A loaded pack and memory, lent to a survey by a server."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from haversack.engine.budget import Budget
from haversack.engine.devices import Device
from haversack.packfile.archive import PackFiles
from haversack.survey.flow.tile_inference import TileModel


class LentPack(TileModel, Protocol):
    """A loaded pack and memory that a server lends to a survey.

    Promises: requests that wait for memory or for the pack come before the survey's next photo or
    tile. Once `unwanted` is set, a thread that waits in `infer` gets an error.
    """

    @property
    def files(self) -> PackFiles:
        """The pack, in the version that looks."""
        ...

    @property
    def memory(self) -> Budget:
        """That photos in flight take from."""
        ...

    @property
    def device(self) -> Device:
        """That the pack runs on."""
        ...

    @property
    def threads(self) -> int:
        """How many can look at once."""
        ...


class Lender(Protocol):
    """Lends packs that are on offer. Promises: any thread may call."""

    def packs(self) -> Sequence[str]:
        """Those that a survey can use: names, and name@version."""
        ...

    def lend(self, wants: str, unwanted: threading.Event) -> AbstractContextManager[LentPack]:
        """The pack of that name, or name@version. Raises HaversackError `pack-not-loaded`."""
        ...
