"""How a network is fed: from a photo of any size to its numbers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from haversack.packfile.explained import default_of, explained
from haversack.packfile.manifest import (
    Anchor,
    Antialias,
    Channels,
    Crop,
    InputGeometry,
    Kernel,
    Pad,
    Rounding,
)

Positive = Annotated[float, msgspec.Meta(gt=0.0)]


class Feeding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A photo is placed in the network's frame, and its levels become numbers.

    Attributes:
        channels: the order that the network wants, of `mean` and `std` too.
        scale, mean, std: (level * scale - mean) / std by channel; empty for none.
        geometry: as in `InputGeometry`, or "none" for graphs that take tensors.
        anchor, pad, kernel, antialias, rounding, crop: see `InputGeometry`, whose defaults they
            have.
    """

    channels: Channels = default_of(InputGeometry, "channels")
    scale: Annotated[Positive, explained("Levels 0-255 times this.")] = 1.0
    mean: Annotated[tuple[float, ...], explained("Then less this: a number a channel.")] = ()
    std: Annotated[
        tuple[Positive, ...], explained("Then divided by this: a number a channel.")
    ] = ()
    geometry: Annotated[
        Literal["letterbox", "stretch", "crop", "none"],
        explained("letterbox, stretch, crop, or none for tensors."),
    ] = "stretch"
    anchor: Anchor = default_of(InputGeometry, "anchor")
    pad: Pad = default_of(InputGeometry, "pad")
    kernel: Kernel = default_of(InputGeometry, "kernel")
    antialias: Antialias = default_of(InputGeometry, "antialias")
    rounding: Rounding = default_of(InputGeometry, "rounding")
    crop: Crop = default_of(InputGeometry, "crop")

    def into(self, width: int, height: int) -> InputGeometry:
        """The same for a network of this size, as a manifest says it."""
        shared = {name: getattr(self, name) for name in _SHARED}
        return InputGeometry(width=width, height=height, **shared)


_SHARED = tuple(
    field.name
    for field in msgspec.structs.fields(InputGeometry)
    if field.name in Feeding.__struct_fields__
)
