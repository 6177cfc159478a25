"""points: x, y and score of each object, which is taken to be four pixels wide."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from haversack.pack.decoding import Decoding
from haversack.pack.graph.heads.head import Head, HeadGraph, one_float_output, outputs_unknown
from haversack.pack.graph.text import parse
from haversack.pack.reference.answer import detections
from haversack.pack.reference.decode import RawBoxes


def build(decoding: Decoding) -> HeadGraph:
    """One output float32[N,A,3]."""
    spec = one_float_output(decoding, (3,))
    if spec is None or spec.shape[2] != 3:
        raise outputs_unknown("points", "one FP32 output [N, A, 3]", decoding, "Another --head.")
    n, anchors = decoding.batch, spec.shape[1]
    text = f"""
    points (float[{n},{anchors},3] raw_0)
        => (float[{n},{anchors},4] all_boxes, float[{n},{anchors}] all_scores,
            int64[{n},{anchors}] all_classes)
    <int64[1] at_0 = {{0}}, int64[1] at_2 = {{2}}, int64[1] at_3 = {{3}}, int64[1] axis = {{2}},
     int64[2] as_list = {{0,-1}}, float half = {{2.0}}, float none = {{0.0}}>
    {{
        middle = Slice (raw_0, at_0, at_2, axis)
        low = Sub (middle, half)
        high = Add (middle, half)
        all_boxes = Concat <axis = 2> (low, high)
        column = Slice (raw_0, at_2, at_3, axis)
        all_scores = Reshape (column, as_list)
        zeros = Mul (all_scores, none)
        all_classes = Cast <to = 7> (zeros)
    }}"""
    return HeadGraph(model=parse(text, opset=decoding.opset), anchors=anchors)


def in_numpy(outputs: list[NDArray[Any]], decoding: Decoding) -> RawBoxes:
    """The same, from the description above and not from the graph."""
    rows = outputs[0][0].astype(np.float64)
    reach = np.array([-2, -2, 2, 2])
    return RawBoxes(
        boxes=np.tile(rows[:, :2], 2) + reach,
        scores=rows[:, 2],
        class_ids=np.zeros(len(rows), np.int64),
    )


HEAD = Head(
    name="points",
    task="detect",
    opset=11,
    build=build,
    reference=detections(in_numpy),
    gives_boxes=True,
)
