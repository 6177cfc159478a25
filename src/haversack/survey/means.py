"""What a run is done with: its own pack and memory, or those that a server lends."""

from __future__ import annotations

from dataclasses import dataclass

from haversack.engine.budget import Purse
from haversack.survey.looking import Looker


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a run is done with.

    Attributes:
        looker: the pack, open.
        memory: that photos in flight take from.
        threads: None for what the run's record says.
    """

    looker: Looker
    memory: Purse
    threads: int | None = None
