"""A detector that ends in its own NMS, as torchvision exports them: lists of any length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from tests.unit.pack.conftest import built, graph_of, photo, request

from haversack.engine.predictor import Predictor
from haversack.errors import ImportRefusedError
from haversack.pack.build import Built
from haversack.packfile.archive import open_pack

SIDE, CELL = 64, 8
LABELS = ("light", "lighter")

# Every cell of 8 px gives a box of 12 px around its middle, scored by its mean level; boxes of
# neighbouring cells overlap. Class 1 from a level of .5, class 2 from .9; then NMS, then lists.
TEXT = """
net (float[1,3,64,64] x) => (float[M,4] boxes, int64[M] labels, float[M] scores)
<int64[3] as_list = {1,1,-1}, int64[1] all = {-1}, int64[1] third = {2}, int64 axis = {0},
 int64[1] zero = {0}, int64[1] one = {1}, int64[1] most = {100}, float[1] iou = {0.05},
 float[1] floor = {0.5}, float high = {0.9}, int64[3] to_boxes = {1,64,4}>
{
    means = AveragePool <kernel_shape = [8, 8], strides = [8, 8]> (x)
    gray = ReduceMean <axes = [1], keepdims = 1> (means)
    table = Reshape (gray, as_list)
    corners = Identity (grid)
    chosen = NonMaxSuppression (corners, table, most, iou, floor)
    places_2d = Gather <axis = 1> (chosen, third)
    places = Reshape (places_2d, all)
    flat_boxes = Squeeze (corners, zero)
    flat_scores = Reshape (table, all)
    boxes = Gather <axis = 0> (flat_boxes, places)
    scores = Gather <axis = 0> (flat_scores, places)
    higher = Greater (scores, high)
    extra = Cast <to = 7> (higher)
    labels = Add (extra, one)
}"""


def network() -> onnx.ModelProto:
    y, x = np.mgrid[0 : SIDE // CELL, 0 : SIDE // CELL] * CELL + CELL / 2
    centres = np.stack([x, y], axis=-1).reshape(-1, 2)
    grid = np.concatenate([centres - 6, centres + 6], axis=1)[None].astype(np.float32)
    return graph_of(TEXT, arrays={"grid": grid})


def dark(*cells: tuple[int, int, int], side: int = SIDE) -> NDArray[np.uint8]:
    """A black photo with (column, row, level) cells."""
    pixels = np.zeros((side, side, 3), np.uint8)
    cell = side // (SIDE // CELL)
    for column, row, level in cells:
        pixels[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell] = level
    return pixels


def imported(folder: Path, *photos: NDArray[np.uint8]) -> Built:
    folder.mkdir(exist_ok=True)
    source = folder / "network.onnx"
    source.write_bytes(network().SerializeToString())
    samples = tuple(photo(folder, str(i), pixels) for i, pixels in enumerate(photos))
    asked = request(source, preset="torchvision-detection", labels=LABELS, samples=samples)
    return built(asked, folder / "packs")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Built:
    several = dark((1, 1, 200), (5, 2, 250), (6, 6, 150))
    return imported(tmp_path_factory.mktemp("ragged"), several, dark(), dark((3, 3, 200)))


def test_the_pack_has_padded_slots_and_its_network_its_own_nms(made: Built) -> None:
    assert made.manifest.graph is not None
    assert made.manifest.graph.nms_iou == 1
    shapes = {spec.name: spec.shape for spec in made.manifest.signature.outputs}
    assert shapes == {
        "boxes": (1, 300, 4),
        "scores": (1, 300),
        "classes": (1, 300),
        "candidates": (1,),
    }
    assert [check.expected for check in made.checks] == [3, 0, 1]


def test_the_right_boxes_and_labels_are_found_in_the_photo(made: Built) -> None:
    predictor = Predictor(open_pack(made.path))
    assert not predictor.batches
    found = predictor.predict_pixels(dark((2, 1, 200), (5, 6, 250), side=128)).detections
    assert [one.label for one in found] == ["lighter", "light"]
    np.testing.assert_allclose(found[0].box, np.array([38, 46, 50, 58]) * 2, atol=0.01)
    np.testing.assert_allclose(found[1].box, np.array([14, 6, 26, 18]) * 2, atol=0.01)
    np.testing.assert_allclose([one.score for one in found], [250 / 255, 200 / 255], atol=0.01)


def test_a_photo_with_nothing_gives_nothing(made: Built) -> None:
    result = Predictor(open_pack(made.path)).predict_pixels(dark())
    assert result.detections == ()


def test_a_letterboxed_photo_gets_its_own_pixels_back(made: Built) -> None:
    wide = np.zeros((64, 256, 3), np.uint8)
    wide[32:64, 128:160] = 255  # a quarter of the size: the cell at (4, 1)
    found = Predictor(open_pack(made.path)).predict_pixels(wide).detections
    assert len(found) == 1
    np.testing.assert_allclose(found[0].box, [120, 24, 168, 64], atol=0.01)  # clipped below


def test_samples_that_hold_nothing_still_make_a_pack(tmp_path: Path) -> None:
    empty = imported(tmp_path, dark())
    found = Predictor(open_pack(empty.path)).predict_pixels(dark((2, 2, 255))).detections
    assert [one.label for one in found] == ["lighter"]


def test_one_object_in_each_sample_does_not_make_a_batch(tmp_path: Path) -> None:
    one_each = imported(tmp_path, *(dark((i, i, 200)) for i in range(1, 4)))
    predictor = Predictor(open_pack(one_each.path))
    assert not predictor.batches
    assert len(predictor.predict_pixels(dark((1, 1, 255), (5, 5, 255))).detections) == 2


def test_a_batch_of_lists_that_vary_is_refused(tmp_path: Path) -> None:
    model = network()
    for name, output, axis in (("boxes", "rows", "zero"), ("scores", "sure", "zero")):
        model.graph.node.append(onnx.helper.make_node("Unsqueeze", [name, axis], [output]))
    model.graph.node.append(onnx.helper.make_node("Unsqueeze", ["labels", "zero"], ["classes"]))
    del model.graph.output[:]
    for name, kind, sides in (("rows", 1, 3), ("sure", 1, 2), ("classes", 7, 2)):
        shape: list[str | int | None] = [1, "M", *([4] if sides == 3 else [])]
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, kind, shape))
    source = tmp_path / "network.onnx"
    source.write_bytes(model.SerializeToString())
    samples = tuple(
        photo(tmp_path, str(i), dark(*[(2 * j, 3, 200) for j in range(i)])) for i in (1, 2)
    )
    asked = request(source, preset="torchvision-detection", labels=LABELS, samples=samples)
    with pytest.raises(ImportRefusedError, match=r"rows FP32\[1,\?,4\]") as caught:
        built(asked, tmp_path / "packs")
    assert caught.value.code == "outputs-unknown"
    assert "fixed number of boxes" in caught.value.hint
