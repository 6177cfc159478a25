"""fit.onnx: one photo of any size becomes the network's pixels, all in uint8 and integers."""

from __future__ import annotations

import math

import onnx

from haversack.errors import ImportRefusedError
from haversack.pack.graph.text import parse
from haversack.packfile.manifest import InputGeometry

# uint8 antialias needs exactly 18; anything newer falls back to the CPU on CUDA.
OPSET = 18
# Crop shares are exact as thousandths: 0.875 = 875/1000.
_CROP_UNITS = 1000

_RESIZE = {
    "linear": 'mode = "linear", coordinate_transformation_mode = "half_pixel"',
    # a = -0.5 is Pillow's (Keys 1981); the operator's default, -0.75, is OpenCV's. Pillow also
    # leaves out what lies beyond the edge: 6 levels apart on a photo of two pixels otherwise.
    "cubic": 'mode = "cubic", coordinate_transformation_mode = "half_pixel", cubic_coeff_a = -0.5, '
    "exclude_outside = 1",
}


def fit_graph(geometry: InputGeometry) -> onnx.ModelProto:
    """image uint8[H,W,3] -> pixels uint8[h,w,3], placement float32[4] (scale x,y, offset x,y).

    pixel = source * scale + offset, with edges at whole numbers. Sides are computed in int64: in
    floats a letterbox loses a pixel (320 becomes 319 for a width of 133).

    Raises:
        ImportRefusedError: `kernel-unsupported` for a kernel that cannot run in uint8.
    """
    _check_kernel(geometry)
    sides = {"letterbox": _letterbox_sides, "stretch": _stretch_sides, "crop": _crop_sides}
    place = _crop_place if geometry.geometry == "crop" else _pad_place
    text = f"""
    fit (uint8[H,W,3] image) => (uint8[{geometry.height},{geometry.width},3] pixels,
                                 float[4] placement)
    <int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[1] two = {{2}}, int64[1] three = {{3}},
     int64[1] w = {{{geometry.width}}}, int64[1] h = {{{geometry.height}}},
     uint8 pad = {{{geometry.pad}}}, int64[3] target = {{{geometry.height},{geometry.width},3}}>
    {{
        shape = Shape (image)
        H1 = Gather (shape, zero)
        W1 = Gather (shape, one)
        {sides[geometry.geometry](geometry)}
        {_nearest() if geometry.kernel == "nearest" else _resize(geometry)}
        {place(geometry)}
        pixels = Reshape (placed, target)
        new_xy = Concat <axis = 0> (new_w, new_h)
        old_xy = Concat <axis = 0> (W1, H1)
        new_float = Cast <to = 1> (new_xy)
        old_float = Cast <to = 1> (old_xy)
        scale = Div (new_float, old_float)
        offset_xy = Concat <axis = 0> (left, top)
        offset = Cast <to = 1> (offset_xy)
        placement = Concat <axis = 0> (scale, offset)
    }}"""
    return parse(text, opset=OPSET)


def _check_kernel(geometry: InputGeometry) -> None:
    """Refuse what ONNX Runtime cannot do in uint8, rather than do something near it."""
    kernel, antialias = geometry.kernel, geometry.antialias
    if (kernel, antialias) not in {
        ("linear", False),
        ("linear", True),
        ("cubic", True),
        ("nearest", False),
    }:
        raise ImportRefusedError(
            "kernel-unsupported",
            f"a {kernel} resize {'with' if antialias else 'without'} antialias was asked for; in "
            "uint8 there are linear (with or without), cubic with and nearest without antialias",
            hint="Give --kernel and --antialias/--no-antialias as the model was trained.",
        )


def _resize(geometry: InputGeometry) -> str:
    antialias = ", antialias = 1" if geometry.antialias else ""
    return f"""sizes = Concat <axis = 0> (one, new_h, new_w, three)
        batch = Unsqueeze (image, zero)
        resized4 = Resize <{_RESIZE[geometry.kernel]}{antialias}> (batch, , , sizes)
        resized = Squeeze (resized4, zero)"""


def _nearest() -> str:
    """The source pixel that holds the target's centre, as in Pillow: (2 i + 1) * old / (2 * new).

    Resize reckons in floats, and takes the pixel before wherever a centre lies on an edge: 640 to
    192 columns moved every third one.
    """
    lines = ["first = Constant <value_int = 0> ()", "step = Constant <value_int = 1> ()"]
    for axis, (new, old) in enumerate((("new_h", "H1"), ("new_w", "W1"))):
        lines += [
            f"count_{axis} = Squeeze ({new}, zero)",
            f"places_{axis} = Range (first, count_{axis}, step)",
            f"twice_{axis} = Mul (places_{axis}, two)",
            f"centres_{axis} = Add (twice_{axis}, one)",
            f"reached_{axis} = Mul (centres_{axis}, {old})",
            f"whole_{axis} = Mul ({new}, two)",
            f"index_{axis} = Div (reached_{axis}, whole_{axis})",
        ]
    lines += [
        "rows = Gather <axis = 0> (image, index_0)",
        "resized = Gather <axis = 1> (rows, index_1)",
    ]
    return "\n        ".join(lines)


def _divide(target: str, dividend: str, divisor: str, rounding: str) -> str:
    """Integer division, down or to the nearest (halves up)."""
    if rounding == "floor":
        return f"{target} = Div ({dividend}, {divisor})"
    return f"""{target}_half = Div ({divisor}, two)
        {target}_more = Add ({dividend}, {target}_half)
        {target} = Div ({target}_more, {divisor})"""


def _letterbox_sides(geometry: InputGeometry) -> str:
    """The largest photo of the same shape inside the frame, at least one pixel a side."""
    return f"""Hw = Mul (H1, w)
        Wh = Mul (W1, h)
        tall = Greater (Hw, Wh)
        {_divide("fit_w", "Wh", "H1", geometry.rounding)}
        {_divide("fit_h", "Hw", "W1", geometry.rounding)}
        narrow = Where (tall, fit_w, w)
        low = Where (tall, h, fit_h)
        new_w = Max (narrow, one)
        new_h = Max (low, one)"""


def _stretch_sides(geometry: InputGeometry) -> str:
    return """new_w = Identity (w)
        new_h = Identity (h)"""


def _crop_sides(geometry: InputGeometry) -> str:
    """The smallest photo of the same shape that covers the frame enlarged by 1 / crop."""
    units = round(geometry.crop * _CROP_UNITS)
    cover_w = math.floor(geometry.width * _CROP_UNITS / units)
    cover_h = math.floor(geometry.height * _CROP_UNITS / units)
    return f"""cover_w = Constant <value_ints = [{cover_w}]> ()
        cover_h = Constant <value_ints = [{cover_h}]> ()
        Hw = Mul (H1, cover_w)
        Wh = Mul (W1, cover_h)
        wide = Less (Hw, Wh)
        {_divide("fit_w", "Wh", "H1", geometry.rounding)}
        {_divide("fit_h", "Hw", "W1", geometry.rounding)}
        broad = Where (wide, fit_w, cover_w)
        high = Where (wide, cover_h, fit_h)
        new_w = Max (broad, w)
        new_h = Max (high, h)"""


def _pad_place(geometry: InputGeometry) -> str:
    """Pad to the frame: after the photo, or on both sides with the odd pixel after it."""
    share = "two" if geometry.anchor == "centre" else None
    before = (
        f"""left = Div (spare_w, {share})
        top = Div (spare_h, {share})"""
        if share
        else """left = Identity (zero)
        top = Identity (zero)"""
    )
    return f"""spare_w = Sub (w, new_w)
        spare_h = Sub (h, new_h)
        {before}
        right = Sub (spare_w, left)
        bottom = Sub (spare_h, top)
        pads = Concat <axis = 0> (top, left, zero, bottom, right, zero)
        placed = Pad (resized, pads, pad)"""


def _crop_place(geometry: InputGeometry) -> str:
    """Cut the frame from the middle; offsets are negative, for the part that was cut away."""
    return """over_w = Sub (new_w, w)
        over_h = Sub (new_h, h)
        cut_left = Div (over_w, two)
        cut_top = Div (over_h, two)
        start = Concat <axis = 0> (cut_top, cut_left)
        frame = Concat <axis = 0> (h, w)
        end = Add (start, frame)
        axes = Concat <axis = 0> (zero, one)
        placed = Slice (resized, start, end, axes)
        left = Neg (cut_left)
        top = Neg (cut_top)"""
