"""The original model beside the pack: run with preprocessing of its own, and read in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from haversack.engine.ort import open_session
from haversack.engine.session import Array, Session, SessionOptions
from haversack.errors import ImportRefusedError
from haversack.pack.graph.heads.head import Decoding
from haversack.pack.graph.prepare import NetworkInput
from haversack.pack.normalisation import Normalisation
from haversack.pack.reference import decode
from haversack.pack.reference.pixels import Placed, normalise, place
from haversack.packfile.manifest import InputGeometry
from haversack.packfile.signature import TensorSpec

_NUMPY = {"FP32": np.float32, "FP16": np.float16, "FP64": np.float64, "UINT8": np.uint8}


@dataclass(frozen=True, kw_only=True)
class Original:
    """The model file as it came, and how its author feeds it.

    Attributes:
        session: of the unchanged graph.
        wanted: its input.
        geometry, rule: from a photo to its numbers.
    """

    session: Session
    wanted: NetworkInput
    geometry: InputGeometry
    rule: Normalisation

    def feed(self, pixels: NDArray[np.uint8]) -> tuple[Array, Placed]:
        """uint8[H,W,3] -> the network's input with its batch of one, and where the photo lies."""
        placed = place(pixels, self.geometry)
        return self.numbers(placed.pixels), placed

    def numbers(self, pixels: NDArray[np.uint8]) -> Array:
        """uint8[h,w,3] in the network's frame -> its input, with its batch of one."""
        values = normalise(pixels, self.rule).astype(_NUMPY[self.wanted.datatype])
        if self.wanted.layout in ("NCHW", "CHW"):
            values = values.transpose(2, 0, 1)
        batched = values[None] if "N" in self.wanted.layout else values
        return np.ascontiguousarray(batched)

    def run(self, values: Array) -> list[Array]:
        """The raw outputs in the graph's order."""
        outputs = self.session.run({self.wanted.name: values})
        return [outputs[spec.name] for spec in self.session.signature.outputs]

    def observe(self, values: Array) -> tuple[TensorSpec, ...]:
        """The outputs as they come: names, datatypes, and the sides of this very answer.

        Raises:
            ImportRefusedError: `outputs-not-finite` where a value is NaN or infinite.
        """
        specs = []
        for spec, array in zip(self.session.signature.outputs, self.run(values), strict=True):
            check_finite(spec.name, array)
            specs.append(TensorSpec(name=spec.name, datatype=spec.datatype, shape=array.shape))
        return tuple(specs)


def check_finite(name: str, array: Array) -> None:
    """Refuse an output that cannot be compared.

    Raises:
        ImportRefusedError: `outputs-not-finite` where a value is NaN or infinite.
    """
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ImportRefusedError(
            "outputs-not-finite",
            f"output {name} holds {bad} values of {array.size} that are NaN or infinite on a "
            "sample",
            hint="Compare --scale, --mean, --std and --channels with the model's training, or "
            "export it again in float32.",
        )


def open_original(model: onnx.ModelProto) -> Session:
    """A session of the graph as it is, on the CPU: the reference device."""
    return open_session(model.SerializeToString(), SessionOptions())


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the raw outputs become the task's: the head's name and what it was given."""

    head: str
    decoding: Decoding
    rule: decode.Thresholds


def expected_outputs(
    original: Original, placed: Placed, size: tuple[int, int], reading: Reading
) -> dict[str, NDArray[Any]]:
    """What the original model says of one photo of `size` (width, height), in its pixels.

    detect: boxes, scores, classes of every box that stays, and `size` (width, height);
    classify: probabilities; label-map: labels on the photo.
    """
    outputs = original.run(original.numbers(placed.pixels))
    width, height = size
    if reading.head in decode.DETECTORS:
        raw = decode.DETECTORS[reading.head](outputs, reading.decoding)
        kept = decode.suppress(raw, reading.rule)
        offset, scale = np.array(placed.offset * 2), np.array(placed.scale * 2)
        boxes = np.clip((raw.boxes[kept] - offset) / scale, 0, [width, height, width, height])
        return {
            "boxes": boxes.astype(np.float32),
            "scores": raw.scores[kept].astype(np.float32),
            "classes": raw.class_ids[kept],
            "size": np.array([width, height]),
        }
    if reading.head == "softmax":
        return {"probabilities": decode.softmax(outputs[0]).astype(np.float32)}
    if reading.head == "probabilities":
        return {"probabilities": outputs[0].reshape(-1).astype(np.float32)}
    if reading.head == "argmax":
        return {
            "labels": decode.label_map(outputs[0][0], placed, (width, height), reading.decoding)
        }
    raise AssertionError(f"{reading.head} is in the table of heads and not read here")


def raw_outputs(
    original: Original, pixels: NDArray[np.uint8], decoding: Decoding
) -> dict[str, NDArray[Any]]:
    """What the original model says of a photo that is in its frame already, as it is.

    Raw numbers have no scale in which a level of 255 could be forgiven, so both sides get the same
    pixels; `prove_fit` shows those to be right.
    """
    return _named(original, original.run(original.numbers(pixels)), decoding)


def without_batch(wanted: NetworkInput, outputs: Sequence[TensorSpec]) -> tuple[str, ...]:
    """Names of the outputs whose first side is no batch: of lists, single numbers, CHW networks."""
    has_batch = "N" in wanted.layout
    return tuple(spec.name for spec in outputs if not (has_batch and spec.shape[:1] == (1,)))


def _named(original: Original, outputs: list[Array], decoding: Decoding) -> dict[str, Array]:
    whole = without_batch(original.wanted, decoding.outputs)
    return {
        spec.name: array if spec.name in whole else array[0]
        for spec, array in zip(decoding.outputs, outputs, strict=True)
    }
