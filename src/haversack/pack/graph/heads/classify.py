"""softmax: logits to probabilities; probabilities: a network that ends in its own softmax."""

from __future__ import annotations

import math

import numpy as np

from haversack.pack.decoding import Decoding
from haversack.pack.graph.heads.head import (
    Head,
    HeadGraph,
    one_float_output,
    outputs_unknown,
)
from haversack.pack.graph.text import parse
from haversack.pack.reference import answer


def _build(decoding: Decoding, name: str, step: str) -> HeadGraph:
    spec = one_float_output(decoding, (2, 4))
    classes = math.prod(spec.shape[1:]) if spec else 0
    flat = spec is not None and classes == max(spec.shape[1:])
    if spec is None or not flat or decoding.labels not in (0, classes):
        raise outputs_unknown(
            name,
            "one FP32 output [N, classes]",
            decoding,
            "Give --labels with as many names as the model has classes, or --head none to keep "
            "the outputs as they are.",
        )
    n, sides = decoding.batch, ",".join(str(side) for side in spec.shape[1:])
    text = f"""
    classify (float[{n},{sides}] raw_0) => (float[{n},{classes}] probabilities)
    {{
        flat = Reshape (raw_0, as_list)
        {step}
    }}"""
    arrays = {"as_list": np.array([0, classes], dtype=np.int64)}
    return HeadGraph(model=parse(text, opset=decoding.opset, arrays=arrays))


def build_softmax(decoding: Decoding) -> HeadGraph:
    """One output float32[N,C] of logits -> probabilities float32[N,C]."""
    return _build(decoding, "softmax", "probabilities = Softmax <axis = 1> (flat)")


def build_probabilities(decoding: Decoding) -> HeadGraph:
    """One output float32[N,C] that already sums to 1 -> the same as `probabilities`."""
    return _build(decoding, "probabilities", "probabilities = Identity (flat)")


SOFTMAX = Head(
    name="softmax",
    task="classify",
    opset=5,
    build=build_softmax,
    reference=answer.of_logits,
)
PROBABILITIES = Head(
    name="probabilities",
    task="classify",
    opset=5,
    build=build_probabilities,
    reference=answer.of_probabilities,
)
