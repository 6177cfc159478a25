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
from haversack.pack.decoding import Decoding
from haversack.pack.feeding import Feeding
from haversack.pack.graph.prepare import NetworkInput
from haversack.pack.reference.answer import RawAnswer, Reference
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
        geometry, feeding: from a photo to its numbers.
    """

    session: Session
    wanted: NetworkInput
    geometry: InputGeometry
    feeding: Feeding

    def feed(self, pixels: NDArray[np.uint8]) -> tuple[Array, Placed]:
        """uint8[H,W,3] -> the network's input with its batch of one, and where the photo lies."""
        placed = place(pixels, self.geometry)
        return self.numbers(placed.pixels), placed

    def numbers(self, pixels: NDArray[np.uint8]) -> Array:
        """uint8[h,w,3] in the network's frame -> its input, with its batch of one."""
        values = normalise(pixels, self.feeding).astype(_NUMPY[self.wanted.datatype])
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


def expected_outputs(
    original: Original,
    placed: Placed,
    size: tuple[int, int],
    reference: Reference,
    decoding: Decoding,
) -> dict[str, NDArray[Any]]:
    """What the original model says of one photo of `size` (width, height), read by `reference`."""
    outputs = original.run(original.numbers(placed.pixels))
    return reference(RawAnswer(outputs=outputs, decoding=decoding, placed=placed, size=size))


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
