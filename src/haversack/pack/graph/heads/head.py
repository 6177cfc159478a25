"""What every head is given and gives: the agreement between heads and the importer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import onnx

from haversack.errors import ImportRefusedError
from haversack.pack.decoding import Decoding
from haversack.pack.feeding import Feeding
from haversack.pack.reference.answer import Reference
from haversack.packfile.manifest import Task
from haversack.packfile.signature import TensorSpec


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
    """One way to read a network, as a graph and once more in numpy.

    Attributes:
        name: as `--head` takes it.
        task: what it makes of the network.
        opset: the lowest it can be written in, for any outputs it reads.
        build: its graph; raises ImportRefusedError `outputs-unknown` where the outputs do not fit.
        reference: the same outputs read in numpy, written from the model's own postprocessing and
            apart from the graph: a pack is proved where both say the same.
        opset_for: a lower one, where these outputs spare an operator.
        gives_boxes: whether suppression follows it.
        check: raises ImportRefusedError for a feeding under which its answers mean nothing.
    """

    name: str
    task: Task
    opset: int
    build: Callable[[Decoding], HeadGraph]
    reference: Reference
    opset_for: Callable[[Decoding], int] | None = None
    gives_boxes: bool = False
    check: Callable[[Feeding], None] | None = None

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
