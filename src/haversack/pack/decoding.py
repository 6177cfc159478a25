"""What is known of a network's outputs and how they are read: for graphs and references alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from haversack.packfile.explained import explained
from haversack.packfile.manifest import Suppression
from haversack.packfile.signature import TensorSpec


class Reading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What outputs mean where their shapes do not say it.

    Attributes:
        box_format, box_units: of boxes that are already decoded.
        first_label: the class id that stands for the first label (1 where 0 is background).
        own_nms: whether the network ends in its own NMS; None leaves it to the outputs.
    """

    box_format: Annotated[
        Literal["xyxy", "xywh", "cxcywh", "yxyx"],
        explained("Of decoded boxes: xyxy, xywh, cxcywh or yxyx."),
    ] = "xyxy"
    box_units: Annotated[
        Literal["pixels", "fraction"], explained("Of decoded boxes: pixels or fraction.")
    ] = "pixels"
    first_label: Annotated[
        int, msgspec.Meta(ge=0), explained("Class id of the first label; 1 if 0 is none.")
    ] = 0
    own_nms: Annotated[bool | None, explained("Whether the model ends in its own NMS.")] = None


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """What a head must know of the network in front of it.

    Attributes:
        outputs: as seen on the samples: every dimension but N is what they gave, or -1 where it
            differs between them.
        width, height: of the network's input, in pixels.
        labels: how many classes have names; 0 where nobody said.
        opset: to write the head in.
        batch: "N" or "1".
        reading: what the outputs do not say themselves.
        suppression: what leaves the pack; a ragged list is padded to at least its candidates.
    """

    outputs: tuple[TensorSpec, ...]
    width: int
    height: int
    labels: int
    opset: int
    batch: str = "1"
    reading: Reading = field(default_factory=Reading)
    suppression: Suppression = field(default_factory=Suppression)
