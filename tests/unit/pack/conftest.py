"""What the tests of making packs share: a graph from text, a run of it, an import of it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
from numpy.typing import NDArray
from onnx import numpy_helper
from PIL import Image

from haversack.engine.ort import open_session
from haversack.engine.session import SessionOptions
from haversack.pack.build import Built, PackTarget, build
from haversack.pack.draft import ImportRequest
from haversack.pack.importing import import_source
from haversack.pack.recipe import load_recipe

Array = NDArray[Any]
DATA = Path(__file__).parents[4] / "shared" / "data"
NO_DATA = "../shared/data is absent: no real models and photos"
NOW = datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)


def graph_of(
    text: str, *, opset: int = 13, ir: int = 8, arrays: Mapping[str, Array] | None = None
) -> onnx.ModelProto:
    """A model from the text of one graph, as a stranger would have exported it."""
    model = onnx.parser.parse_model(f'<ir_version: {ir}, opset_import: ["": {opset}]>\n{text}')
    for name, array in (arrays or {}).items():
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return model


def run(model: onnx.ModelProto, **inputs: Array) -> dict[str, Array]:
    """Every output by name."""
    return open_session(model.SerializeToString(), SessionOptions(threads=1)).run(inputs)


def saved(model: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "network.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def photo(folder: Path, name: str, pixels: Array) -> Path:
    path = folder / f"{name}.png"
    Image.fromarray(pixels).save(path)
    return path


def noise(seed: int, height: int, width: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def request(
    source: Path,
    *,
    preset: str = "",
    labels: tuple[str, ...] = (),
    samples: tuple[Path, ...] = (),
    **options: Any,
) -> ImportRequest:
    """What the command line would ask for, with these options."""
    return ImportRequest(
        source=source,
        name="tested",
        recipe=load_recipe(preset, options),
        preset=preset,
        options={name: value for name, value in options.items() if isinstance(value, str | int)},
        labels=labels,
        samples=samples,
    )


def built(asked: ImportRequest, repository: Path, version: str | None = None) -> Built:
    """Imported, proved and published."""
    return build(import_source(asked), PackTarget(out=repository, version=version), now=NOW)
