"""A new importer or head is one module and one line: each is added here as a developer would."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.integration.additions import colour_importer, points_head
from tests.integration.additions.colour_importer import COLOURS, ColourModel
from tests.unit.pack.conftest import NOW, graph_of, photo, request, saved

from haversack.engine.predictor import Predictor
from haversack.engine.tasks.classify import Probabilities
from haversack.engine.tasks.detect import Detections
from haversack.engine.verify import verify
from haversack.errors import HaversackError, ImportRefusedError
from haversack.pack.build import Built, PackTarget, build
from haversack.pack.draft import ImportRequest
from haversack.pack.graph.heads.table import HEADS
from haversack.pack.importers.importer import Importer
from haversack.pack.importing import import_source
from haversack.pack.sources.table import SOURCES
from haversack.packfile.archive import open_pack

SOURCES_AND_MINE = (*SOURCES, COLOURS)
HEADS_AND_MINE = {**HEADS, points_head.HEAD.name: points_head.HEAD}
WEIGHTS = (np.eye(3) * 9).astype(np.float32)
COLOUR_NAMES = ("red", "green", "blue")


def plain(*levels: int, side: int = 4) -> NDArray[np.uint8]:
    return np.full((side, side, 3), levels, np.uint8)


def colours_file(folder: Path) -> Path:
    path = folder / "mine.weights"
    path.write_text(json.dumps({"colours": COLOUR_NAMES, "weights": WEIGHTS.tolist()}))
    return path


def made(asked: ImportRequest, folder: Path) -> Built:
    draft = import_source(asked, sources=SOURCES_AND_MINE, heads=HEADS_AND_MINE)
    return build(draft, PackTarget(out=folder / "packs"), now=NOW)


def of_source(source: object, folder: Path) -> ImportRequest:
    samples = (photo(folder, "blue", plain(0, 0, 200)), photo(folder, "red", plain(200, 30, 0)))
    file = folder / "in the place of the source"
    return dataclasses.replace(request(file, head="probabilities", samples=samples), source=source)


@pytest.mark.parametrize("in_memory", [False, True])
def test_a_new_importer_makes_packs_from_files_and_from_memory(
    in_memory: bool, tmp_path: Path
) -> None:
    source = ColourModel(COLOUR_NAMES, WEIGHTS) if in_memory else colours_file(tmp_path)
    pack = made(of_source(source, tmp_path), tmp_path)
    manifest = open_pack(pack.path).manifest
    assert manifest.labels == COLOUR_NAMES, "the source's own"
    assert manifest.provenance.importer == "colours"
    assert manifest.provenance.source == ("ColourModel" if in_memory else "mine.weights")
    assert manifest.input is not None
    assert manifest.input.geometry == "letterbox", "as the source told"
    predictor = Predictor(open_pack(pack.path))
    outcome = predictor.predict_pixels(plain(10, 220, 40)).outcome
    assert isinstance(outcome, Probabilities)
    assert COLOUR_NAMES[int(outcome.values.argmax())] == "green"
    assert predictor.batches
    assert all(check.worst < 1e-5 for check in verify(open_pack(pack.path), predictor))


def test_what_a_source_tells_stands_below_what_the_caller_says(tmp_path: Path) -> None:
    asked = of_source(colours_file(tmp_path), tmp_path)
    asked = dataclasses.replace(
        asked,
        recipe=request(tmp_path, head="probabilities", geometry="stretch").recipe,
        labels=("rot", "grün", "blau"),
    )
    draft = import_source(asked, sources=SOURCES_AND_MINE)
    assert draft.input is not None
    assert draft.input.geometry == "stretch"
    assert draft.request.recipe.feeding.scale == pytest.approx(1 / 255)
    assert draft.request.labels == ("rot", "grün", "blau")


def test_without_its_line_a_source_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(ImportRefusedError, match=r"an \.onnx file was expected") as caught:
        import_source(of_source(colours_file(tmp_path), tmp_path))
    assert caught.value.code == "source-unknown"
    other = tmp_path / "other.bin"
    other.write_bytes(b"neither")
    with pytest.raises(ImportRefusedError, match=r"an \.onnx file or a file of colours was"):
        import_source(of_source(other, tmp_path), sources=SOURCES_AND_MINE)


def test_an_importer_whose_extra_is_missing_names_it(tmp_path: Path) -> None:
    row = dataclasses.replace(COLOURS, module="tests.integration.additions.not_installed")
    with pytest.raises(HaversackError, match=r"a file of colours needs") as caught:
        import_source(of_source(colours_file(tmp_path), tmp_path), sources=(row,))
    assert caught.value.code == "extra-missing"
    assert "haversack[colours]" in caught.value.hint


def test_a_module_is_an_importer() -> None:
    importer: Importer = colour_importer  # mypy holds the module to the Protocol
    assert importer.read is colour_importer.read


POINTS = """
net (float[N,3,8,8] x) => (float[N,2,3] points)
<int64[2] as_column = {0,1}, int64[3] as_rows = {0,1,1}, int64[1] two = {2}, int64[1] axis = {1},
 float[1,2,3] middles = {4,4,0, 6,2,0}, float[1,2,3] only_scores = {0,0,1, 0,0,1}>
{
    means = ReduceMean <axes = [1,2,3], keepdims = 0> (x)
    level = Reshape (means, as_rows)
    scores = Mul (level, only_scores)
    points = Add (scores, middles)
}"""


def test_a_new_head_makes_packs_that_prove_themselves_and_find(tmp_path: Path) -> None:
    source = saved(graph_of(POINTS), tmp_path)
    samples = (photo(tmp_path, "bright", plain(200, 200, 200, side=8)),)
    asked = request(source, head="points", scale=1 / 255, labels=("thing",), samples=samples)
    pack = made(asked, tmp_path)
    assert [check.expected for check in pack.checks] == [2]
    assert pack.manifest.task == "detect"
    assert pack.manifest.graph is not None
    assert pack.manifest.graph.candidates == 2
    assert pack.manifest.survey is not None
    found = Predictor(open_pack(pack.path)).predict_pixels(plain(240, 240, 240, side=16)).outcome
    assert isinstance(found, Detections)
    np.testing.assert_allclose(found.boxes, [[4, 4, 12, 12], [8, 0, 16, 8]])


def test_a_reference_that_says_otherwise_keeps_the_pack_from_being_written(
    tmp_path: Path,
) -> None:
    source = saved(graph_of(POINTS), tmp_path)
    samples = (photo(tmp_path, "bright", plain(200, 200, 200, side=8)),)
    asked = request(source, head="points", scale=1 / 255, labels=("thing",), samples=samples)
    wrong = dataclasses.replace(
        points_head.HEAD, reference=lambda raw: points_head.HEAD.reference(raw) | _moved(raw.size)
    )
    draft = import_source(asked, heads={"points": wrong})
    with pytest.raises(ImportRefusedError) as caught:
        build(draft, PackTarget(out=tmp_path / "packs"), now=NOW)
    assert caught.value.code == "parity-failed"
    assert not (tmp_path / "packs").exists()


def _moved(size: tuple[int, int]) -> dict[str, NDArray[np.float32]]:
    return {"boxes": np.array([[0, 0, 1, 1], [1, 1, 2, 2]], np.float32)}


def test_without_a_head_the_new_one_is_among_those_that_fit(tmp_path: Path) -> None:
    source = saved(graph_of(POINTS), tmp_path)
    with pytest.raises(ImportRefusedError) as caught:
        import_source(request(source), heads=HEADS_AND_MINE)
    assert caught.value.code == "head-unknown"
    assert "--head points" in caught.value.hint
