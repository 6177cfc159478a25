"""boxes: a network whose boxes are already decoded, with or without its own NMS."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from haversack.pack.box_outputs import BoxOutputs, recognise
from haversack.pack.decoding import Decoding
from haversack.pack.graph.heads.head import Head, HeadGraph, outputs_unknown
from haversack.pack.graph.text import parse, reduce
from haversack.pack.reference import decode
from haversack.pack.reference.answer import detections

_TYPES = {"FP32": "float", "INT64": "int64", "INT32": "int32"}


def build(decoding: Decoding) -> HeadGraph:
    """One joint output, or boxes, scores and classes apart; see `recognise` for every shape."""
    found = recognise(decoding)
    if found is None:
        raise outputs_unknown(
            "boxes",
            "[N,A,4+C] or [N,A,5+C] (or turned, [N,4+C,A]); [N,K,6] as box, score, class; or boxes "
            "[..,A,4] with scores [..,A] or [..,A,C] and classes [..,A]",
            decoding,
            "Give --labels with as many names as the model has classes, and where [N,A,6] could be "
            "read in two ways --own-nms (box, score, class) or --no-own-nms; --head none keeps "
            "the outputs as they are.",
        )
    if found.anchors is not None and found.anchors < 1:
        raise outputs_unknown(
            "boxes",
            "as many boxes from every photo where there is a batch, or lists without a batch: "
            "boxes [M,4], scores [M] and classes [M]",
            decoding,
            "Export the model with a fixed number of boxes, or without its batch dimension.",
        )
    steps = [_joint(found, decoding) if found.joint is not None else _apart(found)]
    steps += [_corners(decoding), _classes(found, decoding)]
    anchors = found.anchors
    if found.ragged:
        steps.append(_padded())
        anchors = None
    else:
        steps.append(
            "all_boxes = Identity (corners)\n all_scores = Identity (score)\n"
            "all_classes = Identity (class_id)"
        )
    n = decoding.batch
    a = "A" if anchors is None else anchors
    text = f"""
    boxes ({_inputs(found, decoding)})
        => (float[{n},{a},4] all_boxes, float[{n},{a}] all_scores, int64[{n},{a}] all_classes)
    {{
        {chr(10).join(steps)}
    }}"""
    model = parse(text, opset=decoding.opset, arrays=_arrays(found, decoding))
    return HeadGraph(model=model, anchors=anchors, own_nms=found.suppressed)


def _inputs(found: BoxOutputs, decoding: Decoding) -> str:
    lines = []
    for place in found.used:
        spec = decoding.outputs[place]
        first = "M" if found.ragged else decoding.batch
        sides = ",".join([first, *(str(side) for side in spec.shape[1:])])
        lines.append(f"{_TYPES[spec.datatype]}[{sides}] raw_{place}")
    return ", ".join(lines)


def _joint(found: BoxOutputs, decoding: Decoding) -> str:
    """`quad` float32[N,A,4], `score` float32[N,A] and `class_raw` from one output."""
    lines = []
    rows = f"raw_{found.joint}"
    if found.turned:
        lines.append(f"by_anchor = Transpose <perm = [0, 2, 1]> ({rows})")
        rows = "by_anchor"
    lines.append(f"quad = Slice ({rows}, at_0, at_4, axis_2)")
    if found.final:
        lines.append(f"score_column = Slice ({rows}, at_4, at_5, axis_2)")
        lines.append("score = Reshape (score_column, as_list)")
        lines.append(f"class_column = Slice ({rows}, at_5, at_6, axis_2)")
        lines.append("class_raw = Reshape (class_column, as_list)")
        return "\n".join(lines)
    start = "at_5" if found.objectness else "at_4"
    lines.append(f"by_class = Slice ({rows}, {start}, at_end, axis_2)")
    lines.append(reduce("best", "ReduceMax", "by_class", 2, opset=decoding.opset))
    lines.append("class_raw = ArgMax <axis = 2, keepdims = 0> (by_class)")
    if found.objectness:
        lines.append(f"object_column = Slice ({rows}, at_4, at_5, axis_2)")
        lines.append("object_list = Reshape (object_column, as_list)")
        lines.append("score = Mul (object_list, best)")
    else:
        lines.append("score = Identity (best)")
    return "\n".join(lines)


def _apart(found: BoxOutputs) -> str:
    """The same three from outputs of their own; a ragged list gets its batch of one here."""
    lines = []
    if found.ragged:
        lines.append(f"quad = Reshape (raw_{found.boxes}, one_list_4)")
        lines.append(f"score = Reshape (raw_{found.scores}, one_list)")
        lines.append(f"class_raw = Reshape (raw_{found.classes}, one_list)")
        return "\n".join(lines)
    lines.append(f"quad = Reshape (raw_{found.boxes}, as_quads)")
    if found.classes is not None:
        lines.append(f"score = Identity (raw_{found.scores})")
        lines.append(f"class_raw = Identity (raw_{found.classes})")
    else:
        lines.append(f"score_value, score_place = TopK <axis = 2> (raw_{found.scores}, one)")
        lines.append("score = Reshape (score_value, as_list)")
        lines.append("class_raw = Reshape (score_place, as_list)")
    return "\n".join(lines)


def _corners(decoding: Decoding) -> str:
    """`corners`: xyxy in network pixels."""
    scaled = (
        "quad_px = Mul (quad, frame_px)"
        if decoding.reading.box_units == "fraction"
        else ("quad_px = Identity (quad)")
    )
    if decoding.reading.box_format == "xyxy":
        return f"{scaled}\ncorners = Identity (quad_px)"
    if decoding.reading.box_format == "yxyx":
        return f"{scaled}\ncorners = Gather <axis = 2> (quad_px, swapped)"
    split = "near = Slice (quad_px, at_0, at_2, axis_2)\nsize = Slice (quad_px, at_2, at_4, axis_2)"
    if decoding.reading.box_format == "xywh":
        return f"{scaled}\n{split}\nfar = Add (near, size)\ncorners = Concat <axis = 2> (near, far)"
    return f"""{scaled}
    {split}
    reach = Mul (size, half)
    low = Sub (near, reach)
    high = Add (near, reach)
    corners = Concat <axis = 2> (low, high)"""


def _classes(found: BoxOutputs, decoding: Decoding) -> str:
    return """class_whole = Cast <to = 7> (class_raw)
    class_id = Sub (class_whole, first_label)"""


def _padded() -> str:
    """A ragged list, even an empty one, is followed by empty slots: TopK has enough to choose."""
    return """all_boxes = Concat <axis = 1> (corners, no_boxes)
    all_scores = Concat <axis = 1> (score, no_scores)
    all_classes = Concat <axis = 1> (class_id, no_classes)"""


def _arrays(found: BoxOutputs, decoding: Decoding) -> dict[str, NDArray[Any]]:
    whole = np.int64
    sides = {
        "xyxy": (0, 1, 0, 1),
        "xywh": (0, 1, 0, 1),
        "cxcywh": (0, 1, 0, 1),
        "yxyx": (1, 0, 1, 0),
    }
    frame = np.array([decoding.width, decoding.height], dtype=np.float32)
    arrays: dict[str, NDArray[Any]] = {f"at_{i}": np.array([i], whole) for i in (0, 2, 4, 5, 6)}
    arrays |= {
        "at_end": np.array([np.iinfo(np.int64).max], whole),
        "axis_2": np.array([2], whole),
        "as_list": np.array([0, -1], whole),
        "as_quads": np.array([0, -1, 4], whole),
        "one_list": np.array([1, -1], whole),
        "one_list_4": np.array([1, -1, 4], whole),
        "one": np.array([1], whole),
        "swapped": np.array([1, 0, 3, 2], whole),
        "half": np.array(0.5, np.float32),
        "frame_px": frame[list(sides[decoding.reading.box_format])],
        "first_label": np.array(decoding.reading.first_label, whole),
    }
    if found.ragged:
        arrays["no_boxes"] = np.zeros((1, decoding.suppression.candidates, 4), np.float32)
        arrays["no_scores"] = np.zeros((1, decoding.suppression.candidates), np.float32)
        arrays["no_classes"] = np.zeros((1, decoding.suppression.candidates), whole)
    return arrays


HEAD = Head(
    name="boxes",
    task="detect",
    opset=11,
    build=build,
    reference=detections(decode.boxes),
    gives_boxes=True,
)
