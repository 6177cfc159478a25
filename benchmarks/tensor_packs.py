"""Two packs that take tensors: a tiny one, and one that takes the 600 KB of a photo's tensor."""

from __future__ import annotations

from pathlib import Path

import onnx.parser

_TINY = """<ir_version: 8, opset_import: ["" : 17]>
tiny (float[N, 4] rows) => (float[N, 3] scores)
<float[4, 3] weight = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2},
 float[3] bias = {0.0, 0.1, 0.2}>
{
    product = MatMul(rows, weight)
    sum = Add(product, bias)
    scores = Softmax<axis = 1>(sum)
}
"""
_PLANES = """<ir_version: 8, opset_import: ["" : 17]>
planes (float[N, 3, 224, 224] image) => (float[N, 3, 1, 1] means)
{
    means = GlobalAveragePool(image)
}
"""


def write_models(folder: Path) -> dict[str, Path]:
    """Both ONNX files by name."""
    paths = {}
    for name, text in (("tiny", _TINY), ("planes", _PLANES)):
        paths[name] = folder / f"{name}.onnx"
        onnx.save(onnx.parser.parse_model(text), paths[name])
    return paths
