"""Quick packs of three kinds: what is held up or grows in a test is then not the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
from tests.integration.survey_material import spots
from tests.unit.pack.conftest import built, graph_of, noise, photo, request

DETECTOR, MAPPER, TENSORS = "spots", "shades", "sums"
_SHADES = "net (float[1,3,8,8] x) => (float[1,3,8,8] logits) { logits = Relu (x) }"
_SUMS = """net (float[N,1000] rows) => (float[N,1000] doubled) {
    doubled = Add (rows, rows) }"""


def quick_packs(folder: Path) -> list[Path]:
    """A detector of 128 px, a label map of 8 px, and one that takes tensors."""
    samples = tuple(photo(folder, str(seed), noise(seed, 8, 8)) for seed in range(3))
    plain = {"head": "none", "geometry": "none"}
    asked = (
        (DETECTOR, spots(), {"preset": "ultralytics", "labels": ("light", "dark")}),
        (MAPPER, graph_of(_SHADES), {"head": "argmax", "labels": ("a", "b", "c")}),
        (TENSORS, graph_of(_SUMS), plain),
    )
    made = []
    for name, model, options in asked:
        source = folder / f"{name}.onnx"
        onnx.save(model, source)
        given = {} if name == TENSORS else {"samples": samples}
        wish = replace(request(source, **options, **given), name=name)  # type: ignore[arg-type]
        made.append(built(wish, folder / "packs").path)
    return made
