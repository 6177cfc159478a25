"""What handlers of jobs have of the server that they work in."""

from __future__ import annotations

import asyncio
from typing import Protocol

from haversack.serve.plane.dataplane import DataPlane


class ServerResources(Protocol):
    """The part of what `app` has that handlers of this room need."""

    @property
    def plane(self) -> DataPlane:
        """It answers."""
        ...

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """To which the data plane belongs."""
        ...
