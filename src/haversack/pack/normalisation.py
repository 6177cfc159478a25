"""What a network's numbers are, from the levels of a photo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """What the network's numbers are: (level * scale - mean) / std, by channel.

    Attributes:
        channels: "RGB", "BGR" or "GRAY", the order of `mean` and `std` too.
        scale: levels 0-255 times this.
        mean, std: one number a channel; empty for none.
    """

    channels: str = "RGB"
    scale: float = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
