"""argmax: the surest class of each pixel, at the network's own input size."""

from __future__ import annotations

import numpy as np

from haversack.errors import ImportRefusedError
from haversack.pack.decoding import Decoding
from haversack.pack.feeding import Feeding
from haversack.pack.graph.heads.head import (
    Head,
    HeadGraph,
    one_float_output,
    outputs_unknown,
)
from haversack.pack.graph.text import parse
from haversack.pack.reference import answer

# A label map is uint8.
_MOST_CLASSES = 256


def build(decoding: Decoding) -> HeadGraph:
    """One output float32[N,C,rows,columns] or [N,rows,columns,C] -> labels uint8[N,h,w].

    Logits smaller than the input are resized linearly first, so that borders are not in steps.
    """
    spec = one_float_output(decoding, (4,))
    axis = _class_axis(decoding, spec.shape) if spec else None
    if spec is None or axis is None:
        raise outputs_unknown(
            "argmax",
            f"one FP32 output [N, classes, rows, columns] or [N, rows, columns, classes] with at "
            f"most {_MOST_CLASSES} classes",
            decoding,
            "Give --labels with as many names as the model has classes (background counts), or "
            "--head none to keep the outputs as they are.",
        )
    rows, columns = spec.shape[2:] if axis == 1 else spec.shape[1:3]
    same = (rows, columns) == (decoding.height, decoding.width)
    sides = ",".join(str(side) for side in spec.shape[1:])
    lines, source = [], "raw_0"
    if not same:
        lines.append(
            'large = Resize <mode = "linear", coordinate_transformation_mode = "half_pixel"> '
            "(raw_0, whole, factors)"
        )
        source = "large"
    lines.append(f"ids = ArgMax <axis = {axis}, keepdims = 0> ({source})")
    lines.append("labels = Cast <to = 2> (ids)")
    nodes = "\n        ".join(lines)
    text = f"""
    label_map (float[{decoding.batch},{sides}] raw_0)
        => (uint8[{decoding.batch},{decoding.height},{decoding.width}] labels)
    {{
        {nodes}
    }}"""
    growth = (decoding.height / rows, decoding.width / columns)
    factors = (1.0, 1.0, *growth) if axis == 1 else (1.0, *growth, 1.0)
    arrays = {
        "factors": np.array(factors, dtype=np.float32),
        "whole": np.zeros(0, dtype=np.float32),
    }
    return HeadGraph(model=parse(text, opset=decoding.opset, arrays={} if same else arrays))


def _class_axis(decoding: Decoding, shape: tuple[int, ...]) -> int | None:
    """1 or 3: by the number of labels, else by which side is no photo's."""
    if decoding.labels:
        fits = [axis for axis in (1, 3) if shape[axis] == decoding.labels]
        return fits[0] if len(fits) == 1 and decoding.labels <= _MOST_CLASSES else None
    sides = (decoding.height, decoding.width)
    if shape[1:3] == sides and shape[2:] != sides:
        return 3 if shape[3] <= _MOST_CLASSES else None
    if shape[2:] == sides and shape[1:3] != sides:
        return 1 if shape[1] <= _MOST_CLASSES else None
    return None


def _opset(decoding: Decoding) -> int:
    """Half-pixel centres came with Resize 11; logits of the input's own size need no Resize."""
    spec = one_float_output(decoding, (4,))
    sides = (decoding.height, decoding.width)
    whole = spec is not None and sides in (spec.shape[1:3], spec.shape[2:])
    return 7 if whole else 11


def _check(feeding: Feeding) -> None:
    if feeding.geometry == "crop":
        raise ImportRefusedError(
            "geometry-unfit",
            "--geometry crop was given; a label map would not reach the photo's edges",
            hint="Give --geometry letterbox or stretch.",
        )


HEAD = Head(
    name="argmax",
    task="label-map",
    opset=11,
    build=build,
    reference=answer.of_planes,
    opset_for=_opset,
    check=_check,
)
