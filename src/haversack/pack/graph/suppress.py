"""The back of every detect graph: score floor, static NMS, K slots, source-image pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from haversack.pack.graph.text import parse, reduce
from haversack.packfile.manifest import Suppression

# TopK with K as an input and GatherElements came with 11.
OPSET = 11
# Each round settles one more link of a chain "A hides B, B would have hidden C": 12 links gave
# greedy NMS's boxes on 44 of 44 photos.
ROUNDS = 12


def fitted(wanted: Suppression, *, anchors: int | None, own_nms: bool) -> Suppression:
    """What can be had of a head's boxes: TopK fails where K exceeds the axis.

    Args:
        wanted: as the recipe has it.
        anchors: boxes a photo that the head gives; None where it varies (at least `candidates`).
        own_nms: whether the network has suppressed doubles itself: none is left to go.
    """
    kept = wanted.candidates if anchors is None else min(wanted.candidates, anchors)
    return Suppression(
        score_floor=wanted.score_floor,
        nms_iou=1.0 if own_nms else wanted.nms_iou,
        candidates=kept,
        max_detections=min(wanted.max_detections, kept),
    )


def suppress_graph(
    settings: Suppression, *, anchors: int | None, batch: str, opset: int
) -> onnx.ModelProto:
    """boxes float32[N,A,4] in network pixels, scores float32[N,A], classes int64[N,A] -> K slots.

    The work is the same for every photo: TopK, then IoU of all pairs as coordinate planes, then
    a fixed number of rounds of `keep = alive and not hidden by a kept, surer box of its class`.
    Ties go to the lower index. Empty slots are 0 throughout. A NaN score never passes the floor.

    Args:
        settings: `fitted` to the head's boxes.
        anchors: how many these are a photo; None where it varies.
        batch: "N" or "1".
        opset: to write it in.
    """
    n, k = batch, settings.max_detections
    a = "A" if anchors is None else str(anchors)
    text = f"""
    suppress (float[{n},{a},4] all_boxes, float[{n},{a}] all_scores,
              int64[{n},{a}] all_classes, float[{n},4] placed)
        => (float[{n},{k},4] boxes, float[{n},{k}] scores, int64[{n},{k}] classes,
            int64[{n}] candidates)
    <float none = {{0.0}}, float half = {{0.5}}, int64 no_class = {{0}},
     int64[3] as_rows = {{0,-1,1}}, int64[3] as_columns = {{0,1,-1}}, int64[2] as_list = {{0,-1}},
     int64[1] kept_k = {{{settings.candidates}}}, int64[1] slots_k = {{{k}}}>
    {{
        above = Greater (all_scores, floor)
        at = Equal (all_scores, floor)
        passed = Or (above, at)
        passed_count = Cast <to = 7> (passed)
        {reduce("candidates", "ReduceSum", "passed_count", 1, opset=opset)}
        alive_scores = Where (passed, all_scores, none)
        kept_scores, kept_index = TopK <axis = 1> (alive_scores, kept_k)
        {_planes()}
        kept_classes = GatherElements <axis = 1> (all_classes, kept_index)
        {_rounds(settings)}
        final_scores = Mul (kept_scores, final_keep)
        scores, slot_index = TopK <axis = 1> (final_scores, slots_k)
        taken = Greater (scores, none)
        slot_classes = GatherElements <axis = 1> (kept_classes, slot_index)
        classes = Where (taken, slot_classes, no_class)
        {_to_source()}
    }}"""
    arrays: dict[str, NDArray[Any]] = {
        "floor": np.array(settings.score_floor, dtype=np.float32),
        "factor": np.array((1 + settings.nms_iou) / max(settings.nms_iou, 1e-6), dtype=np.float32),
        "rank_rows": np.arange(settings.candidates, dtype=np.int64).reshape(1, -1, 1),
        "rank_columns": np.arange(settings.candidates, dtype=np.int64).reshape(1, 1, -1),
        **{f"edge_{i}": np.array([i], dtype=np.int64) for i in range(4)},
    }
    return parse(text, opset=opset, arrays=arrays)


def _planes() -> str:
    """x1, y1, x2, y2 of the kept boxes, each float32[N,C]: rows first, since they lie together."""
    lines = [
        "index_rows = Reshape (kept_index, as_rows)",
        "index_4 = Concat <axis = 2> (index_rows, index_rows, index_rows, index_rows)",
        "kept_boxes = GatherElements <axis = 1> (all_boxes, index_4)",
    ]
    for i, edge in enumerate(("x1", "y1", "x2", "y2")):
        lines.append(f"{edge}_column = Gather <axis = 2> (kept_boxes, edge_{i})")
        lines.append(f"{edge} = Reshape ({edge}_column, as_list)")
    return "\n        ".join(lines)


def _rounds(settings: Suppression) -> str:
    """`final_keep` float32[N,C]: 1 where greedy NMS keeps the box.

    IoU > t is asked as overlap * (1 + t) / t > area + area, and the factor goes into the widths
    while they are still vectors: every operation spared is a plane of C x C floats less.
    """
    if settings.nms_iou >= 1:
        return """alive = Greater (kept_scores, none)
        final_keep = Cast <to = 1> (alive)"""
    lines = [
        "w = Sub (x2, x1)",
        "h = Sub (y2, y1)",
        "area = Mul (w, h)",
        "x1_scaled = Mul (x1, factor)",
        "x2_scaled = Mul (x2, factor)",
    ]
    vectors = {"l": "x1_scaled", "t": "y1", "r": "x2_scaled", "b": "y2", "area": "area"}
    vectors |= {"class": "kept_classes"}
    for name, vector in vectors.items():
        lines.append(f"{name}_rows = Reshape ({vector}, as_rows)")
        lines.append(f"{name}_columns = Reshape ({vector}, as_columns)")
    lines += [
        "left = Max (l_rows, l_columns)",
        "right = Min (r_rows, r_columns)",
        "overlap_w_signed = Sub (right, left)",
        # One side cut at zero is enough: the product is then never above zero by two negatives.
        "overlap_w = Relu (overlap_w_signed)",
        "top = Max (t_rows, t_columns)",
        "bottom = Min (b_rows, b_columns)",
        "overlap_h = Sub (bottom, top)",
        "overlap = Mul (overlap_w, overlap_h)",
        "areas = Add (area_rows, area_columns)",
        "close = Greater (overlap, areas)",
        "same_class = Equal (class_rows, class_columns)",
        "surer = Less (rank_rows, rank_columns)",
        "surer_same = And (same_class, surer)",
        "hides_bool = And (close, surer_same)",
        "hides = Cast <to = 1> (hides_bool)",
        "score_columns = Reshape (kept_scores, as_columns)",
        "alive_bool = Greater (score_columns, none)",
        "keep_0 = Cast <to = 1> (alive_bool)",
    ]
    for i in range(ROUNDS):
        lines.append(f"hidden_{i} = MatMul (keep_{i}, hides)")
        lines.append(f"free_{i} = Less (hidden_{i}, half)")
        lines.append(f"stays_{i} = And (free_{i}, alive_bool)")
        lines.append(f"keep_{i + 1} = Cast <to = 1> (stays_{i})")
    lines.append(f"final_keep = Reshape (keep_{ROUNDS}, as_list)")
    return "\n        ".join(lines)


def _to_source() -> str:
    """Network pixels to source-image pixels: (pixel - offset) / scale; empty slots become 0."""
    lines = []
    for edge, scale, offset in (("x1", 0, 2), ("y1", 1, 3), ("x2", 0, 2), ("y2", 1, 3)):
        lines.append(f"{edge}_slot = GatherElements <axis = 1> ({edge}, slot_index)")
        lines.append(f"{edge}_offset = Gather <axis = 1> (placed, edge_{offset})")
        lines.append(f"{edge}_scale = Gather <axis = 1> (placed, edge_{scale})")
        lines.append(f"{edge}_moved = Sub ({edge}_slot, {edge}_offset)")
        lines.append(f"{edge}_source = Div ({edge}_moved, {edge}_scale)")
        lines.append(f"{edge}_taken = Where (taken, {edge}_source, none)")
        lines.append(f"{edge}_final = Reshape ({edge}_taken, as_rows)")
    edges = ", ".join(f"{edge}_final" for edge in ("x1", "y1", "x2", "y2"))
    lines.append(f"boxes = Concat <axis = 2> ({edges})")
    return "\n        ".join(lines)
