"""fastestdet: one cell an object, objectness and class weighed against each other.

Source: dog-qiuqiu/FastestDet (BSD-3), its postprocessing: score = obj^0.6 * class^0.4,
centre = (tanh(t) + cell) / cells, size = sigmoid(t), both as a share of the input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from haversack.pack.decoding import Decoding
from haversack.pack.graph.heads.head import (
    Head,
    HeadGraph,
    one_float_output,
    outputs_unknown,
)
from haversack.pack.graph.text import parse, reduce, split
from haversack.pack.reference import decode
from haversack.pack.reference.answer import detections


def build(decoding: Decoding) -> HeadGraph:
    """One output float32[N,5+C,rows,columns]: objectness, tx, ty, tw, th, classes."""
    spec = one_float_output(decoding, (4,))
    if spec is None or spec.shape[1] < 6 or decoding.labels not in (0, spec.shape[1] - 5):
        raise outputs_unknown(
            "fastestdet",
            "one FP32 output [N, 5 + classes, rows, columns]",
            decoding,
            "Give --labels with as many names as the model has classes, or another --head.",
        )
    _, width, rows, columns = spec.shape
    n, anchors = decoding.batch, rows * columns
    sizes = (1, 2, 2, width - 5)
    text = f"""
    fastestdet (float[{n},{width},{rows},{columns}] raw_0)
        => (float[{n},{anchors},4] all_boxes, float[{n},{anchors}] all_scores,
            int64[{n},{anchors}] all_classes)
    <int64[3] as_cells = {{0,{width},-1}}, int64[2] as_list = {{0,-1}},
     float half = {{0.5}}, float objectness_power = {{0.6}}, float class_power = {{0.4}}>
    {{
        by_channel = Reshape (raw_0, as_cells)
        by_cell = Transpose <perm = [0, 2, 1]> (by_channel)
        {split("objectness, txy, twh, by_class", "by_cell", sizes, opset=decoding.opset)}
        move = Tanh (txy)
        centre_cell = Add (move, cells)
        centre = Mul (centre_cell, cell_px)
        share = Sigmoid (twh)
        size = Mul (share, frame_px)
        reach = Mul (size, half)
        low = Sub (centre, reach)
        high = Add (centre, reach)
        all_boxes = Concat <axis = 2> (low, high)
        {reduce("best", "ReduceMax", "by_class", 2, opset=decoding.opset)}
        objectness_list = Reshape (objectness, as_list)
        objectness_part = Pow (objectness_list, objectness_power)
        class_part = Pow (best, class_power)
        all_scores = Mul (objectness_part, class_part)
        all_classes = ArgMax <axis = 2, keepdims = 0> (by_class)
    }}"""
    frame = np.array([decoding.width, decoding.height], dtype=np.float32)
    cells = np.stack(np.meshgrid(range(columns), range(rows)), axis=-1).reshape(1, -1, 2)
    arrays: dict[str, NDArray[Any]] = {
        "cells": cells.astype(np.float32),
        "cell_px": frame / np.array([columns, rows], dtype=np.float32),
        "frame_px": frame,
    }
    return HeadGraph(model=parse(text, opset=decoding.opset, arrays=arrays), anchors=anchors)


HEAD = Head(
    name="fastestdet",
    task="detect",
    opset=11,
    build=build,
    reference=detections(decode.fastestdet),
    gives_boxes=True,
)
