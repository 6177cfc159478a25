"""The manifest of a pack: pack.toml as typed values, with every fault found at once."""

from __future__ import annotations

import datetime
import hashlib
import re
import tomllib
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
import tomli_w

from haversack.errors import PackError
from haversack.packfile.explained import explained
from haversack.packfile.faults import convert_table
from haversack.packfile.rules import cross_faults
from haversack.packfile.signature import Signature
from haversack.packfile.tasks.row import Modality
from haversack.packfile.tasks.table import ROWS, TASKS

Name = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z0-9][a-z0-9._-]{0,63}\Z",
        description="a name of a-z, 0-9, '.', '_', '-', beginning with a letter or digit, "
        "64 at most,",
    ),
]
Version = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(0|[1-9][0-9]{0,17})\Z", description='a whole number as text, like "1",'
    ),
]
Sha256 = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z", description="a sha256 in 64 small hex digits")
]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Side = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Level = Annotated[int, msgspec.Meta(ge=0, le=255)]
Count = Annotated[int, msgspec.Meta(ge=1)]

FORMAT = 1
"""The format of pack.toml that this Haversack reads and writes."""

FAULTS_SHOWN = 50
"""Faults named in one error; a file of another kind can have thousands."""


def _one_of(names: Iterable[str]) -> msgspec.Meta:
    """Text that is one of these names, as `Literal` would have it, for names that a table has."""
    known = sorted(set(names))
    return msgspec.Meta(
        pattern=rf"^({'|'.join(map(re.escape, known))})\Z",
        description=f"one of {', '.join(map(repr, known))}",
    )


Task = Annotated[str, _one_of(row.name for row in ROWS)]
Rule = Annotated[str, _one_of(row.parity for row in ROWS)]
"""How the original's answer and a pack's are compared."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of pack.toml: immutable, by keyword, no field but its own."""


Anchor = Annotated[
    Literal["top-left", "centre"],
    explained("Where a letterboxed photo lies: top-left or centre."),
]
Pad = Annotated[Level, explained("Level of the letterbox's padding, 0-255.")]
Kernel = Annotated[
    Literal["linear", "cubic", "nearest"], explained("Of the resize: linear, cubic or nearest.")
]
Antialias = Annotated[bool, explained("Widen the kernel to shrink.")]
Rounding = Annotated[Literal["floor", "round"], explained("Of the resized sides: floor or round.")]
Channels = Annotated[
    Literal["RGB", "BGR", "GRAY"], explained("Order the network wants: RGB, BGR or GRAY.")
]
Crop = Annotated[
    float,
    msgspec.Meta(gt=0.0, le=1.0),
    explained("Share of the shorter side that crop keeps."),
]


class InputGeometry(_Table, frozen=True, kw_only=True):
    """How one photo becomes the network's pixels: fit.onnx in words.

    Attributes:
        width, height: of the network's input, in pixels.
        geometry: "letterbox" keeps the shape and pads, "stretch" does not, "crop" cuts the
            centre.
        anchor: where a letterboxed photo lies.
        pad: the level (0-255) of the padding.
        kernel: of the resize, as the model was trained.
        antialias: whether the kernel widens when shrinking.
        rounding: of the resized sides.
        channels: the order the network wants.
        crop: share of the resized photo's shorter side that "crop" keeps.
    """

    width: Side
    height: Side
    geometry: Literal["letterbox", "stretch", "crop"]
    anchor: Anchor = "top-left"
    pad: Pad = 114
    kernel: Kernel = "linear"
    antialias: Antialias = False
    rounding: Rounding = "floor"
    channels: Channels = "RGB"
    crop: Crop = 1.0


class SurveyGrid(_Table, frozen=True, kw_only=True):
    """The grid a survey starts from, in pixels."""

    tile: Side
    overlap: Annotated[int, msgspec.Meta(ge=0)]


class Defaults(_Table, frozen=True, kw_only=True):
    """What a person sees first; the graph itself keeps every score from its floor up."""

    score_threshold: Annotated[Share, explained("What a person is shown at first.")] = 0.4


class Suppression(_Table, frozen=True, kw_only=True):
    """What leaves a graph that gives boxes: said once, for manifest, recipe, graph and proof.

    Attributes:
        score_floor: lower scores never leave the graph.
        nms_iou: of two boxes of one class over this IoU the surer stays; 1 keeps both.
        candidates: boxes kept before NMS, at most.
        max_detections: slots after it, at most.
    """

    score_floor: Annotated[Share, explained("Lower scores never leave the graph.")] = 0.05
    nms_iou: Annotated[Share, explained("Doubles over this IoU go; 1 keeps them all.")] = 0.5
    candidates: Annotated[Count, explained("Boxes kept before NMS.")] = 600
    max_detections: Annotated[Count, explained("Boxes kept after it.")] = 300


class Parity(_Table, frozen=True, kw_only=True):
    """How the import proved itself: the worst difference over the samples, and what was allowed."""

    rule: Rule
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
    options: dict[str, str | int | float | bool | list[str | int | float]] = {}
    parity: Parity | None = None


class Manifest(_Table, frozen=True, kw_only=True):
    """pack.toml. `input` is set for packs that take photos, `graph` for detect."""

    format: Literal[1]
    name: Name
    version: Version
    task: Task
    labels: tuple[str, ...] = ()
    description: str = ""
    licence: str = ""
    accuracy: str = ""
    input: InputGeometry | None = None
    signature: Signature
    survey: SurveyGrid | None = None
    defaults: Defaults = Defaults()
    graph: Suppression | None = None
    provenance: Provenance
    files: dict[str, Sha256]

    @property
    def modality(self) -> Modality:
        """What a caller of the pack sends."""
        row = TASKS[self.task]
        return (self.input is not None and row.with_input) or row.modality

    @property
    def takes_photos(self) -> bool:
        """Whether that is a photo."""
        return self.modality is Modality.PHOTO


def parse(data: bytes) -> Manifest:
    """The manifest in the bytes of a pack.toml. Whole numbers stand for floats too.

    Raises:
        PackError: `pack-format-unknown` for another format; else `manifest-invalid` with every
            fault in `details`: the dotted field, what was received, what is allowed.
    """
    table = _toml(data)
    stated = table.get("format")
    if isinstance(stated, int) and not isinstance(stated, bool) and stated != FORMAT:
        raise PackError(
            "pack-format-unknown",
            f"the pack is of format {stated}; this Haversack reads format {FORMAT}",
            hint="Upgrade Haversack, or make the pack again with this one.",
        )
    faults: list[str] = []
    values = convert_table(Manifest, table, "", faults)
    faults += cross_faults(values)
    if faults:
        raise _invalid(f"pack.toml has {len(faults)} fault{'s' * (len(faults) > 1)}", faults)
    return Manifest(**values)


def encode(manifest: Manifest) -> bytes:
    """pack.toml for `manifest`, in the order of its fields; what is empty is left out.

    `parse(encode(m)) == m` for every manifest that `parse` could have given.
    """
    plain = msgspec.to_builtins(manifest, builtin_types=(datetime.datetime,))
    return tomli_w.dumps(_without_empty(Manifest, plain), multiline_strings=False).encode()


def digest(data: bytes) -> str:
    """A pack's digest: the sha256 of its pack.toml, which names the sha256 of all else."""
    return hashlib.sha256(data).hexdigest()


def _toml(data: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _invalid(f"pack.toml is not TOML: {error}", []) from error


def _invalid(message: str, faults: list[str]) -> PackError:
    more = len(faults) - FAULTS_SHOWN
    details = (*faults[:FAULTS_SHOWN], f"and {more} more") if more > 0 else tuple(faults)
    return PackError(
        "manifest-invalid",
        message,
        hint="Mend pack.toml, or import the model again.",
        details=details,
    )


def _without_empty(kind: type[msgspec.Struct], plain: dict[str, Any]) -> dict[str, Any]:
    """`plain` less the fields of `kind` that are None, or empty by default."""
    kept: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        value = plain[field.encode_name]
        is_empty = value is None or (not field.required and value in ("", {}, [], ()))
        if not is_empty:
            kept[field.encode_name] = value
    if kind is Manifest:
        kept["provenance"] = _without_empty(Provenance, kept["provenance"])
    return kept
