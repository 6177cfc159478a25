"""What a run is done with: its own pack and memory, or those that a server lends."""

from __future__ import annotations

from dataclasses import dataclass

from haversack.engine.budget import Budget
from haversack.survey.flow.tile_inference import TileModel


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a run is done with.

    Attributes:
        model: the pack, open.
        memory: that photos in flight take from.
        threads: None for what the run's record says.
    """

    model: TileModel
    memory: Budget
    threads: int | None = None
