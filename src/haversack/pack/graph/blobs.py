"""A detector of small bright or dark objects, written by hand: difference of Gaussians.

Source: Lindeberg, "Feature detection with automatic scale selection" (1998), for the scale space;
Lowe, "Distinctive image features" (2004), section 3 and 4.1, for its differences and the edge test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx
from onnx import parser

LABELS = ("bright", "dark")
CANDIDATES = 600
RECOMMENDED_THRESHOLD = 0.4
"""On drawn scenes 0 to 9, 1200x800 letterboxed to 800x800: recall 0.94, precision 0.89."""

PAD_LEVEL = 114.0
"""Letterbox grey. Such pixels count as unknown, so the edge of the padding is no edge."""
FIRST_SIGMA_PX = 1.8
LEVELS = 8
"""Blurs, each sqrt(2) wider than the one before: the seven differences fit discs of 6 to 48 px."""
DIAMETER_PER_SIGMA = 2 * math.sqrt(2 * math.log(4))
"""A disc answers the difference of sigma and sqrt(2) sigma most at this diameter, and then with a
quarter of its contrast: exp(-a/2) - exp(-a) is largest, 1/4, at a = r^2 / (2 sigma^2) = ln 4."""
CONTRAST_AT_HALF = 50.0
"""Grey levels between object and ground that give a score of 0.5."""
GREEN_LIMITS = (0.06, 0.16)
"""Excess green, (G - (R + B) / 2) / luma, at a blob's heart: foliage and shade on grass above the
second, none below the first. Coats are at most 0.04, dry grass 0.1, crowns 0.35."""
REACH = 6
RIVAL_LIMITS = (0.7, 0.95)
"""A blob with less than the first share of the best score within `REACH` cells of 2 px is a part or
the shadow of that one; above the second share it stands alone."""
HALVING_VARIANCE = 0.1875
"""Of the 1-3-3-1 kernel that halves the photo, in half-size pixels squared."""
EDGE_LIMITS = (0.03, 0.08)
"""Below the first det/trace^2 of the Hessian a blob is a line, above the second it is none. A
blob three times as long as wide has 0.09."""


_TEXT = """
<ir_version: 8, opset_import: ["": 11]>
blobs (float[N,3,{height},{width}] images)
  => (float[N,{places},4] boxes, float[N,{places},2] scores)
<{constants}>
{{
  shifted = Sub(images, pad_level)
  away = Abs(shifted)
  furthest = ReduceMax<axes = [1], keepdims = 1>(away)
  known_full = Clip(furthest, zero, one)
  planes = Concat<axis = 1>(shifted, known_full)
  planes_padded = Pad<mode = "edge">(planes, pads_1)
  blur_start = Conv<strides = [2, 2], kernel_shape = [4, 4]>(planes_padded, halve)
{blurs}
  known_safe = Max(known, tiny_known)
  smooth = Div(light, known_safe)
  finer = Slice(smooth, at_0, at_last, axis_1)
  coarser = Slice(smooth, at_1, at_end, axis_1)
  quarter = Sub(finer, coarser)
  contrast = Mul(quarter, four)

  contrast_padded = Pad<mode = "edge">(contrast, pads_1)
  bends = Conv<group = {differences}, kernel_shape = [3, 3]>(contrast_padded, second)
  bends_split = Reshape(bends, shape_bends)
  xx, yy, xy = Split<axis = 2>(bends_split)
  xx_yy = Mul(xx, yy)
  xy_xy = Mul(xy, xy)
  det = Sub(xx_yy, xy_xy)
  trace = Add(xx, yy)
  trace_2 = Mul(trace, trace)
  trace_safe = Add(trace_2, tiny)
  ratio = Div(det, trace_safe)
  ratio_above = Sub(ratio, edge_low)
  ratio_part = Mul(ratio_above, edge_slope)
  round_5d = Clip(ratio_part, zero, one)
  round = Squeeze<axes = [2]>(round_5d)

  dark_known = Mul(inner_known, pad_level)
  luma = Add(inner_light, dark_known)
  luma_safe = Max(luma, one)
  greenness = Div(inner_green, luma_safe)
  green_below = Sub(green_high, greenness)
  green_part = Mul(green_below, green_slope)
  not_green = Clip(green_part, zero, one)
  trust = Mul(round, not_green)
  trust_both = Unsqueeze<axes = [1]>(trust)

  start_light, start_green, start_known = Split<axis = 1>(blur_start)
  is_seen = Greater(start_known, half)
  seen = Cast<to = 1>(is_seen)
  contrast_seen = Mul(contrast, seen)
  opposite = Neg(contrast_seen)
  signed_bright = Unsqueeze<axes = [1]>(contrast_seen)
  signed_dark = Unsqueeze<axes = [1]>(opposite)
  signed = Concat<axis = 1>(signed_bright, signed_dark)
  level = Relu(signed)
  highest = MaxPool<kernel_shape = [3, 3, 3], pads = [1, 1, 1, 1, 1, 1]>(level)
  is_peak = Equal(level, highest)
  peak = Cast<to = 1>(is_peak)
  level_2 = Mul(level, level)
  level_4 = Mul(level_2, level_2)
  level_half = Add(level_4, half_4)
  strength = Div(level_4, level_half)
  trusted = Mul(strength, trust_both)
  at_peak = Mul(trusted, peak)
  strongest = ReduceMax<axes = [1, 2], keepdims = 0>(at_peak)
  strongest_row = Unsqueeze<axes = [1]>(strongest)
  rival = MaxPool<kernel_shape = [{reach}, {reach}], pads = [{r}, {r}, {r}, {r}]>(strongest_row)
  rival_safe = Max(rival, tiny)
  rival_both = Unsqueeze<axes = [1]>(rival_safe)
  dominance = Div(at_peak, rival_both)
  dominance_above = Sub(dominance, rival_low)
  dominance_part = Mul(dominance_above, rival_slope)
  dominant = Clip(dominance_part, zero, one)
  score = Mul(at_peak, dominant)

  best = ReduceMax<axes = [1, 2], keepdims = 0>(score)
  best_flat = Reshape(best, shape_flat)
  best_score, place = TopK<axis = 1>(best_flat, places)
  place_row = Unsqueeze<axes = [1]>(place)
  place_both = Expand(place_row, shape_place_both)
  place_scale = Expand(place_row, shape_place_scale)

  score_flat = Reshape(score, shape_both_flat)
  score_at = GatherElements<axis = 2>(score_flat, place_both)
  score_split = Reshape(score_at, shape_split)
  score_class = ReduceMax<axes = [2], keepdims = 0>(score_split)
  scores = Transpose<perm = [0, 2, 1]>(score_class)

  level_flat = Reshape(level, shape_both_flat)
  level_at = GatherElements<axis = 2>(level_flat, place_both)
  level_split = Reshape(level_at, shape_split)
  near = MaxPool<kernel_shape = [3, 1], pads = [1, 0, 1, 0]>(score_split)
  score_best = ReduceMax<axes = [1, 2], keepdims = 1>(score_split)
  is_near = Equal(near, score_best)
  near_weight = Cast<to = 1>(is_near)
  weight_base = Mul(level_split, near_weight)
  weight_sum = ReduceSum<axes = [1], keepdims = 0>(weight_base)
  weight_2 = Mul(weight_sum, weight_sum)
  weight_power = Mul(weight_2, weight_2)
  weight = Add(weight_power, tiny)
{weight_all}
  share = Div(weight, weight_all)
  size_part = Mul(share, sizes)
{size}

  xx_flat = Reshape(xx, shape_scale_flat)
  yy_flat = Reshape(yy, shape_scale_flat)
  det_flat = Reshape(det, shape_scale_flat)
  xx_at = GatherElements<axis = 2>(xx_flat, place_scale)
  yy_at = GatherElements<axis = 2>(yy_flat, place_scale)
  det_at = GatherElements<axis = 2>(det_flat, place_scale)
  det_positive = Max(det_at, tiny)
  det_root = Sqrt(det_positive)
  xx_abs = Abs(xx_at)
  yy_abs = Abs(yy_at)
  wide_raw = Div(yy_abs, det_root)
  high_raw = Div(xx_abs, det_root)
  wide_kept = Clip(wide_raw, stretch_low, stretch_high)
  high_kept = Clip(high_raw, stretch_low, stretch_high)
  wide_share = Mul(wide_kept, share)
  high_share = Mul(high_kept, share)
{wide_mean}
{high_mean}
  wide = Sqrt(wide_mean)
  high = Sqrt(high_mean)
  half_size = Mul(size, half)
  half_width = Mul(half_size, wide)
  half_height = Mul(half_size, high)

  row = Div(place_row, columns)
  column = Mod(place_row, columns)
  row_float = Cast<to = 1>(row)
  column_float = Cast<to = 1>(column)
  row_px = Mul(row_float, two)
  column_px = Mul(column_float, two)
  centre_y = Add(row_px, one)
  centre_x = Add(column_px, one)
  left = Sub(centre_x, half_width)
  top = Sub(centre_y, half_height)
  right = Add(centre_x, half_width)
  bottom = Add(centre_y, half_height)
  edges = Concat<axis = 1>(left, top, right, bottom)
  boxes = Transpose<perm = [0, 2, 1]>(edges)
}}
"""


def blobs_network(width: int = 800, height: int = 800) -> onnx.ModelProto:
    """The detector for one input size.

    Inputs: `images` float32[N,3,height,width], RGB, 0 to 255. Outputs: `boxes` float32[N,A,4],
    xyxy in input pixels; `scores` float32[N,A,2], 0 to 1, of `LABELS`; A = `CANDIDATES`.

    Args:
        width, height: px, even and at least 64.
    """
    text = _TEXT.format(
        width=width,
        height=height,
        places=CANDIDATES,
        differences=LEVELS - 1,
        constants=",\n ".join([*_numbers(), *_kernels(), *_shapes(width // 2, height // 2)]),
        blurs=_blurs(),
        weight_all=_sum("weight_all", "weight"),
        size=_sum("size", "size_part"),
        wide_mean=_sum("wide_mean", "wide_share"),
        high_mean=_sum("high_mean", "high_share"),
        reach=2 * REACH + 1,
        r=REACH,
    )
    model = parser.parse_model(text)
    onnx.checker.check_model(model, full_check=True)
    return model


def _numbers() -> list[str]:
    low, high = EDGE_LIMITS
    diameters = [FIRST_SIGMA_PX * 2 ** (i / 2) * DIAMETER_PER_SIGMA for i in range(LEVELS - 1)]
    values = {
        "zero": 0.0,
        "one": 1.0,
        "two": 2.0,
        "four": 4.0,
        "half": 0.5,
        "tiny": 1e-4,
        "tiny_known": 0.05,
        "pad_level": PAD_LEVEL,
        "edge_low": low,
        "edge_slope": 1 / (high - low),
        "green_high": GREEN_LIMITS[1],
        "green_slope": 1 / (GREEN_LIMITS[1] - GREEN_LIMITS[0]),
        "rival_low": RIVAL_LIMITS[0],
        "rival_slope": 1 / (RIVAL_LIMITS[1] - RIVAL_LIMITS[0]),
        "half_4": CONTRAST_AT_HALF**4,
        "stretch_low": 0.25,
        "stretch_high": 4.0,
    }
    return [
        *(f"float {name} = {{{value!r}}}" for name, value in values.items()),
        _floats("sizes", (1, LEVELS - 1, 1), diameters),
    ]


def _shapes(columns: int, rows: int) -> list[str]:
    cells, scales = rows * columns, LEVELS - 1
    shapes = {
        "pads_1": (0, 0, 1, 1, 0, 0, 1, 1),
        "at_0": (0,),
        "at_1": (1,),
        "at_last": (scales,),
        "at_end": (LEVELS,),
        "axis_1": (1,),
        "places": (CANDIDATES,),
        "columns": (columns,),
        "shape_bends": (0, scales, 3, rows, columns),
        "shape_flat": (0, cells),
        "shape_place_both": (1, 2 * scales, CANDIDATES),
        "shape_place_scale": (1, scales, CANDIDATES),
        "shape_both_flat": (0, 2 * scales, cells),
        "shape_scale_flat": (0, scales, cells),
        "shape_split": (0, 2, scales, CANDIDATES),
    }
    return [
        *(_whole(name, value) for name, value in shapes.items()),
        *(_whole(f"blur_pads_{i}", (0, 0, r, r, 0, 0, r, r)) for i, r in enumerate(_radii())),
    ]


def _kernels() -> list[str]:
    """Halving to light, green and known planes; the blurs; second derivatives."""
    smooth = [a * b for a in (1, 3, 3, 1) for b in (1, 3, 3, 1)]
    mixes = ((0.299, 0.587, 0.114, 0.0), (-0.5, 1.0, -0.5, 0.0), (0.0, 0.0, 0.0, 1.0))
    halve = [weight * tap / 64 for mix in mixes for weight in mix for tap in smooth]
    second = [
        *(0.0, 0.0, 0.0, 1.0, -2.0, 1.0, 0.0, 0.0, 0.0),
        *(0.0, 1.0, 0.0, 0.0, -2.0, 0.0, 0.0, 1.0, 0.0),
        *(0.25, 0.0, -0.25, 0.0, 0.0, 0.0, -0.25, 0.0, 0.25),
    ]
    texts = [
        _floats("halve", (3, 4, 4, 4), halve),
        _floats("second", (3 * (LEVELS - 1), 1, 3, 3), second * (LEVELS - 1)),
    ]
    for i, (sigma, radius) in enumerate(zip(_added_sigmas(), _radii(), strict=True)):
        taps = [math.exp(-0.5 * (at / sigma) ** 2) for at in range(-radius, radius + 1)]
        taps = [tap / sum(taps) for tap in taps]
        texts.append(_floats(f"across_{i}", (3, 1, 1, len(taps)), taps * 3))
        texts.append(_floats(f"down_{i}", (3, 1, len(taps), 1), taps * 3))
    return texts


def _added_sigmas() -> list[float]:
    """What each blur adds to the one before, in half-size pixels."""
    wanted = [FIRST_SIGMA_PX / 2 * 2 ** (i / 2) for i in range(LEVELS)]
    before = [math.sqrt(HALVING_VARIANCE), *wanted[:-1]]
    return [math.sqrt(a * a - b * b) for a, b in zip(wanted, before, strict=True)]


def _radii() -> list[int]:
    return [math.ceil(3 * sigma) for sigma in _added_sigmas()]


def _blurs() -> str:
    """The nodes that blur step by step, and lay the levels out as channels."""
    lines = []
    for i in range(LEVELS):
        source = f"blur_{i - 1}" if i else "blur_start"
        lines += [
            f'blur_padded_{i} = Pad<mode = "edge">({source}, blur_pads_{i})',
            f"blur_across_{i} = Conv<group = 3>(blur_padded_{i}, across_{i})",
            f"blur_{i} = Conv<group = 3>(blur_across_{i}, down_{i})",
            f"light_{i}, green_{i}, known_{i} = Split<axis = 1>(blur_{i})",
        ]
    inner = [max(i - 2, 0) for i in range(LEVELS - 1)]
    for name, source, levels in (
        ("light", "light", range(LEVELS)),
        ("known", "known", range(LEVELS)),
        ("inner_light", "light", inner),
        ("inner_known", "known", inner),
        ("inner_green", "green", inner),
    ):
        parts = ", ".join(f"{source}_{i}" for i in levels)
        lines.append(f"{name} = Concat<axis = 1>({parts})")
    return "\n".join(f"  {line}" for line in lines)


def _sum(total: str, source: str) -> str:
    """The nodes that add up the scales in one order.

    ReduceSum of onnxruntime 1.31 adds in another order for another batch size, so a row of a batch
    would differ from its image alone in the last bit.
    """
    parts = ", ".join(f"{source}_at_{i}" for i in range(LEVELS - 1))
    return f"  {parts} = Split<axis = 1>({source})\n  {total} = Sum({parts})"


def _floats(name: str, shape: Sequence[int], values: Sequence[float]) -> str:
    size = ",".join(map(str, shape))
    return f"float[{size}] {name} = {{{', '.join(f'{value:.8g}' for value in values)}}}"


def _whole(name: str, values: Sequence[int]) -> str:
    return f"int64[{len(values)}] {name} = {{{', '.join(map(str, values))}}}"
