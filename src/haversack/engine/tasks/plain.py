"""What most tasks and their answers have alike; each says only what it has otherwise."""

from __future__ import annotations

from typing import Self

from haversack.engine.detections import Detection
from haversack.engine.tasks.task import SurveyTask
from haversack.packfile.manifest import Manifest
from haversack.packfile.signature import Signature, TensorSpec

IMAGE = TensorSpec(name="image", datatype="UINT8", shape=(-1, -1, 3))
"""The one input that a pack that takes photos shows: RGB pixels, or an encoded photo."""


class PlainOutcome:
    """An answer without objects, of which no part is surer than another. See `TaskOutcome`."""

    def above(self, threshold: float) -> Self:
        """Itself."""
        return self

    def objects(self, labels: tuple[str, ...]) -> tuple[Detection, ...]:
        """None."""
        return ()


class PhotoTask:
    """A photo in, a small answer out, which a survey cannot merge. See `Task`."""

    takes_threshold = False
    is_drawn = True
    renders_slowly = False
    # The two resize apart, to within a level or two of 255; a score on a slope moves by hundredths.
    tolerance = 0.05
    survey: SurveyTask | None = None

    def __init__(self, manifest: Manifest) -> None:
        pass

    def shown(self, signature: Signature) -> Signature:
        """One photo in, and a batch of 1 out."""
        return photo_signature(signature)

    def answer_bytes(self, photo_pixels: int) -> int:
        """Next to nothing."""
        return 0


def photo_signature(signature: Signature) -> Signature:
    """One photo in, and a batch of 1 out."""
    outputs = tuple(
        TensorSpec(name=spec.name, datatype=spec.datatype, shape=(1, *spec.shape[1:]))
        for spec in signature.outputs
    )
    return Signature(inputs=(IMAGE,), outputs=outputs)
