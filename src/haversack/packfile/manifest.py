"""The manifest of a pack: pack.toml as typed values, with every fault found at once."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

import msgspec

from haversack.packfile.signature import Signature

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Version = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,17})$")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Side = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Level = Annotated[int, msgspec.Meta(ge=0, le=255)]
Count = Annotated[int, msgspec.Meta(ge=1)]

Task = Literal["detect", "label-map", "classify", "tensor"]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of pack.toml: immutable, by keyword, no field but its own."""


class InputGeometry(_Table, frozen=True, kw_only=True):
    """How one picture becomes the network's pixels: fit.onnx in words.

    Attributes:
        width, height: of the network's input, in pixels.
        geometry: "letterbox" keeps the shape and pads, "stretch" does not, "crop" cuts the
            centre.
        anchor: where a letterboxed picture lies.
        pad: the level (0-255) of the padding.
        kernel: of the resize, as the model was trained.
        antialias: whether the kernel widens when shrinking.
        rounding: of the resized sides.
        channels: the order the network wants.
        crop: share of the resized picture's shorter side that "crop" keeps.
    """

    width: Side
    height: Side
    geometry: Literal["letterbox", "stretch", "crop"]
    anchor: Literal["top-left", "centre"] = "top-left"
    pad: Level = 114
    kernel: Literal["linear", "cubic", "nearest"] = "linear"
    antialias: bool = False
    rounding: Literal["floor", "round"] = "floor"
    channels: Literal["RGB", "BGR", "GRAY"] = "RGB"
    crop: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 1.0


class SurveyGrid(_Table, frozen=True, kw_only=True):
    """The grid a survey starts from, in pixels."""

    tile: Side
    overlap: Annotated[int, msgspec.Meta(ge=0)]


class Defaults(_Table, frozen=True, kw_only=True):
    """What a person sees first; the graph itself keeps every score from its floor up."""

    score_threshold: Share = 0.4


class GraphSettings(_Table, frozen=True, kw_only=True):
    """Settings written into a detect graph."""

    score_floor: Share = 0.05
    nms_iou: Share = 0.5
    candidates: Count = 600
    max_detections: Count = 300


class Parity(_Table, frozen=True, kw_only=True):
    """How the import proved itself: the worst difference over the samples, and what was allowed."""

    rule: Literal["boxes", "probabilities", "labels", "tensors"]
    samples: Annotated[int, msgspec.Meta(ge=0)]
    worst: float
    tolerance: float


class Provenance(_Table, frozen=True, kw_only=True):
    """Where a pack came from."""

    source: str
    sha256: Sha256
    importer: str
    created: datetime.datetime
    preset: str = ""
    options: dict[str, str | int | float | bool | list[float] | list[str]] = {}
    parity: Parity | None = None


class Manifest(_Table, frozen=True, kw_only=True):
    """pack.toml. `input` is set for packs that take pictures, `graph` for detect."""

    format: Literal[1]
    name: Name
    version: Version
    task: Task
    labels: tuple[str, ...] = ()
    description: str = ""
    licence: str = ""
    input: InputGeometry | None = None
    signature: Signature
    survey: SurveyGrid | None = None
    defaults: Defaults = Defaults()
    graph: GraphSettings | None = None
    provenance: Provenance
    files: dict[str, Sha256]
