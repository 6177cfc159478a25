"""What every head is given and gives: the agreement between heads and the importer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import onnx

from haversack.errors import ImportRefusedError
from haversack.packfile.manifest import Task
from haversack.packfile.signature import TensorSpec

BoxFormat = Literal["xyxy", "xywh", "cxcywh", "yxyx"]
BoxUnits = Literal["pixels", "fraction"]


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
        candidates: boxes kept before NMS; a ragged list is padded to at least that many.
        box_format, box_units: of boxes that are already decoded.
        first_label: the class id that stands for the first label (1 where 0 is background).
        own_nms: whether the network ends in its own NMS; None leaves it to the outputs.
    """

    outputs: tuple[TensorSpec, ...]
    width: int
    height: int
    labels: int
    opset: int
    batch: str = "1"
    candidates: int = 600
    box_format: BoxFormat = "xyxy"
    box_units: BoxUnits = "pixels"
    first_label: int = 0
    own_nms: bool | None = None


@dataclass(frozen=True, kw_only=True)
class HeadGraph:
    """A head's graph. It reads the network's outputs as raw_0, raw_1... by their place.

    A detect head gives all_boxes float32[N,A,4] (xyxy, network pixels), all_scores float32[N,A]
    and all_classes int64[N,A]; the others give their task's outputs.

    Attributes:
        anchors: A, or None where it varies.
        own_nms: whether the network has suppressed doubles itself.
    """

    model: onnx.ModelProto
    anchors: int | None = None
    own_nms: bool = False


@dataclass(frozen=True, kw_only=True)
class Head:
    """One way to read a network.

    Attributes:
        name: as `--head` takes it.
        task: what it makes of the network.
        opset: the lowest it can be written in, for any outputs it reads.
        build: its graph; raises ImportRefusedError `outputs-unknown` where the outputs do not fit.
        opset_for: a lower one, where these outputs spare an operator.
    """

    name: str
    task: Task
    opset: int
    build: Callable[[Decoding], HeadGraph]
    opset_for: Callable[[Decoding], int] | None = None

    def lowest_opset(self, decoding: Decoding) -> int:
        """The lowest opset it can be written in for these outputs."""
        return self.opset_for(decoding) if self.opset_for else self.opset


def outputs_unknown(head: str, expected: str, decoding: Decoding, hint: str) -> ImportRefusedError:
    """The refusal of a head that cannot read these outputs."""
    seen = "; ".join(str(spec) for spec in decoding.outputs)
    return ImportRefusedError(
        "outputs-unknown",
        f"the {head} head reads {expected}; the network gives {seen}"
        + (f" for {decoding.labels} labels" if decoding.labels else ""),
        hint=hint,
    )


def one_float_output(decoding: Decoding, rank: tuple[int, ...]) -> TensorSpec | None:
    """The network's only output, where it is of floats and has one of these ranks."""
    if len(decoding.outputs) != 1:
        return None
    spec = decoding.outputs[0]
    return spec if spec.datatype == "FP32" and len(spec.shape) in rank else None
