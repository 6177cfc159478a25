"""An importer of weights in JSON, or in memory: a classifier of a photo's mean colour."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

from haversack.engine.session import Array
from haversack.pack.graph.network import cleaned
from haversack.pack.importers.importer import Network, Origin
from haversack.pack.recipe import Recipe
from haversack.pack.sources.table import SourceRow
from haversack.packfile.signature import Signature, TensorSpec

GRAPH = """
<ir_version: 8, opset_import: ["" : 13]>
colours (float[N,3,4,4] x) => (float[N,K] shares)
{
    means = GlobalAveragePool (x)
    colour = Flatten (means)
    logits = MatMul (colour, weights)
    shares = Softmax <axis = 1> (logits)
}"""


@dataclass(frozen=True)
class ColourModel:
    """As somebody's framework has it in memory: weights float32[3,K]."""

    labels: tuple[str, ...]
    weights: Array


class ColourSession:
    """The original, run by its own framework: numpy here."""

    def __init__(self, model: ColourModel) -> None:
        self._weights = model.weights.astype(np.float64)
        shape = (-1, 3, 4, 4)
        self.signature = Signature(
            inputs=(TensorSpec(name="x", datatype="FP32", shape=shape),),
            outputs=(TensorSpec(name="shares", datatype="FP32", shape=(-1, len(model.labels))),),
        )

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """See `Session`."""
        logits = inputs["x"].astype(np.float64).mean(axis=(2, 3)) @ self._weights
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return {"shares": (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)}


def read(source: Path | ColourModel, recipe: Recipe) -> Network:
    """See `Importer`: such a model knows its labels, and that it wants levels from 0 to 1."""
    name = source.name if isinstance(source, Path) else type(source).__name__
    model = _from_file(source) if isinstance(source, Path) else source
    graph = onnx.parser.parse_model(GRAPH)
    graph.graph.initializer.append(numpy_helper.from_array(model.weights, "weights"))
    return Network(
        graph=cleaned(graph),
        open_original=lambda: ColourSession(model),
        origin=Origin(
            source=name,
            sha256=hashlib.sha256(model.weights.tobytes()).hexdigest(),
            importer="colours",
        ),
        labels=model.labels,
        told={"scale": 1 / 255, "geometry": "letterbox"},
    )


def _from_file(path: Path) -> ColourModel:
    told = json.loads(path.read_text())
    return ColourModel(tuple(told["colours"]), np.array(told["weights"], np.float32))


def recognises(source: object) -> bool:
    """A file that begins as such models do, or a model in memory."""
    if isinstance(source, Path):
        return source.is_file() and source.read_bytes()[:11] == b'{"colours":'
    return isinstance(source, ColourModel)


COLOURS = SourceRow(
    expects="a file of colours", module=__name__, extra="colours", recognises=recognises
)
