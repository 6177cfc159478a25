"""fit.onnx shown to place photos as the model's author does, to the level."""

from __future__ import annotations

import numpy as np
import onnx

from haversack.engine.ort import open_session
from haversack.engine.session import SessionOptions
from haversack.errors import ImportRefusedError
from haversack.pack.reference.pixels import Placed
from haversack.pack.samples import Sample

# ONNX Runtime's integer resize rounds down where others round, and its antialias differs from
# Pillow's by more on a few pixels of a thousand.
_LEVELS, _SHARE = 2, 0.02
_PLACEMENT = 1e-4


def prove_fit(
    graph: onnx.ModelProto, samples: list[Sample], references: list[Placed]
) -> list[Placed]:
    """Each sample as fit.onnx places it.

    Args:
        references: the same samples as `pack.reference.pixels.place` places them.

    Raises:
        ImportRefusedError: `fit-differs` where more than 2 % of the values lie more than 2 levels
            from the reference, or the photo lies elsewhere.
    """
    session = open_session(graph.SerializeToString(), SessionOptions(spin_between_calls=False))
    placed = []
    for sample, wanted in zip(samples, references, strict=True):
        outputs = session.run({"image": sample.pixels})
        distance = np.abs(outputs["pixels"].astype(np.int16) - wanted.pixels)
        share = float((distance > _LEVELS).mean())
        scale_x, scale_y, left, top = (float(value) for value in outputs["placement"])
        aside = np.abs(outputs["placement"] - [*wanted.scale, *wanted.offset]).max()
        if share > _SHARE or aside > _PLACEMENT:
            raise ImportRefusedError(
                "fit-differs",
                f"on sample {sample.name}, {share:.1%} of the resized values lie more than "
                f"{_LEVELS} levels from the reference ({_SHARE:.0%} allowed), and the placement "
                f"differs by {aside:.2g}",
                hint="This is a fault of Haversack, or of this build of ONNX Runtime: report it.",
            )
        placed.append(
            Placed(pixels=outputs["pixels"], scale=(scale_x, scale_y), offset=(left, top))
        )
    return placed
