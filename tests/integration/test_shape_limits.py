"""Work after decoding grows with the photo's shape too, and stays inside the same limit."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest

from haversack.engine.predictor import Predictor, PredictorOptions
from haversack.errors import PhotoError
from haversack.pack.build import PackTarget, build
from haversack.pack.draft import ImportRequest
from haversack.pack.importing import import_source
from haversack.pack.recipe import load_recipe
from haversack.packfile.archive import open_pack

NOW = datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)
MEAN_COLOUR = """
<ir_version: 8, opset_import: ["" : 13]>
colours (float[N,3,32,32] images) => (float[N,3] logits)
{
    means = GlobalAveragePool(images)
    logits = Flatten<axis = 1>(means)
}
"""


CLASS_OF_COLOUR = """
<ir_version: 8, opset_import: ["" : 13]>
colours (float[N,3,16,16] images) => (float[N,3,16,16] logits) { logits = Identity(images) }
"""


@pytest.fixture
def cropping(tmp_path: Path) -> Path:
    """A classifier of the mean colour, fed as ImageNet's are."""
    source = tmp_path / "colours.onnx"
    onnx.save(onnx.parser.parse_model(MEAN_COLOUR), source)
    request = ImportRequest(
        source=source,
        name="colours",
        recipe=load_recipe("imagenet", {}),
        options={},
        labels=("red", "green", "blue"),
    )
    return build(import_source(request), PackTarget(out=tmp_path / "packs"), now=NOW).path


def test_a_panorama_is_answered_and_a_sliver_refused(cropping: Path) -> None:
    options = PredictorOptions(decode_limit_bytes=8 << 20)
    predictor = Predictor(open_pack(cropping), options)
    panorama = np.zeros((40, 400, 3), dtype=np.uint8)
    panorama[:, 180:220, 1] = 255
    classes = predictor.predict_pixels(panorama).to_dict()["classes"]
    assert classes[0]["label"] == "green", "the middle is what a crop keeps"
    with pytest.raises(PhotoError) as caught:
        predictor.predict_pixels(np.zeros((1, 60000, 3), dtype=np.uint8))
    assert caught.value.code == "image-shape-unfit"


def test_a_label_map_is_as_large_as_its_photo_and_counted_so(tmp_path: Path) -> None:
    source = tmp_path / "colours.onnx"
    onnx.save(onnx.parser.parse_model(CLASS_OF_COLOUR), source)
    request = ImportRequest(
        source=source,
        name="colours",
        recipe=load_recipe("", {"head": "argmax"}),
        options={},
        labels=("red", "green", "blue"),
    )
    path = build(import_source(request), PackTarget(out=tmp_path / "packs"), now=NOW).path
    predictor = Predictor(open_pack(path), PredictorOptions(decode_limit_bytes=8 << 20))
    blue = np.zeros((1000, 2000, 3), dtype=np.uint8)
    blue[..., 2] = 255
    legend = predictor.predict_pixels(blue).to_dict()["legend"]
    assert legend == [{"label": "blue", "class_id": 2, "pixels": 2_000_000}]
    with pytest.raises(PhotoError) as caught:
        predictor.predict_pixels(np.zeros((3000, 3000, 3), dtype=np.uint8))
    assert caught.value.code == "image-too-large"
