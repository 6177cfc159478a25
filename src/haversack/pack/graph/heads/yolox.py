"""yolox: a raw grid of offsets, one anchor a cell.

Source: Ge et al., "YOLOX: Exceeding YOLO Series in 2021" (arXiv 2107.08430), and its demo's
postprocessing: xy = (xy + cell) * stride, wh = exp(wh) * stride, score = objectness * class.
"""

from __future__ import annotations

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

_STRIDES = ((8, 16, 32), (8, 16, 32, 64))


def build(decoding: Decoding) -> HeadGraph:
    """One output float32[N,A,5+C]: x, y, w, h, objectness, classes; both already sigmoid."""
    spec = one_float_output(decoding, (3,))
    grid = _grid(decoding, spec.shape[1]) if spec else None
    if spec is None or grid is None or not _classes_fit(spec.shape[2] - 5, decoding.labels):
        raise outputs_unknown(
            "yolox",
            "one FP32 output [N, cells of strides 8, 16, 32 at "
            f"{decoding.width}x{decoding.height}, 5 + classes]",
            decoding,
            "Give --labels with as many names as the model has classes, or another --head "
            "(boxes for outputs that are already decoded).",
        )
    cells, strides = grid
    n, anchors, width = decoding.batch, spec.shape[1], spec.shape[2]
    sizes = (2, 2, 1, width - 5)
    text = f"""
    yolox (float[{n},{anchors},{width}] raw_0)
        => (float[{n},{anchors},4] all_boxes, float[{n},{anchors}] all_scores,
            int64[{n},{anchors}] all_classes)
    <float half = {{0.5}}, int64[2] as_list = {{0,-1}}>
    {{
        {split("xy, wh, objectness, by_class", "raw_0", sizes, opset=decoding.opset)}
        xy_cell = Add (xy, cells)
        centre = Mul (xy_cell, strides)
        wh_exp = Exp (wh)
        size = Mul (wh_exp, strides)
        reach = Mul (size, half)
        low = Sub (centre, reach)
        high = Add (centre, reach)
        all_boxes = Concat <axis = 2> (low, high)
        {reduce("best", "ReduceMax", "by_class", 2, opset=decoding.opset)}
        sure = Reshape (objectness, as_list)
        all_scores = Mul (sure, best)
        all_classes = ArgMax <axis = 2, keepdims = 0> (by_class)
    }}"""
    model = parse(text, opset=decoding.opset, arrays={"cells": cells, "strides": strides})
    return HeadGraph(model=model, anchors=anchors)


def _grid(
    decoding: Decoding, anchors: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Cells float32[1,A,2] and strides float32[1,A,2], or None where no strides give A cells."""
    for strides in _STRIDES:
        sides = [(decoding.height // stride, decoding.width // stride) for stride in strides]
        if sum(rows * columns for rows, columns in sides) != anchors:
            continue
        cells = [
            np.stack(np.meshgrid(range(c), range(r)), axis=-1).reshape(-1, 2) for r, c in sides
        ]
        steps = [np.full((r * c, 2), stride) for (r, c), stride in zip(sides, strides, strict=True)]
        return (
            np.concatenate(cells)[None].astype(np.float32),
            np.concatenate(steps)[None].astype(np.float32),
        )
    return None


def _classes_fit(classes: int, labels: int) -> bool:
    return classes >= 1 and labels in (0, classes)


HEAD = Head(
    name="yolox",
    task="detect",
    opset=11,
    build=build,
    reference=detections(decode.yolox),
    gives_boxes=True,
)
