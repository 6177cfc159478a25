"""Real models become packs that prove themselves, and answer as their authors say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import version_converter
from PIL import Image, ImageDraw, ImageFont
from tests.unit.pack.conftest import DATA, NO_DATA, built, request

from haversack.engine.ort import open_session
from haversack.engine.predictor import Predictor
from haversack.engine.session import SessionOptions
from haversack.engine.tasks.classify import Probabilities
from haversack.engine.tasks.label_map import LabelMap
from haversack.pack.build import Built
from haversack.pack.feeding import Feeding
from haversack.pack.graph.opset import at_opset
from haversack.pack.importers.onnx import read_network
from haversack.pack.labels import read_labels
from haversack.pack.reference.pixels import normalise, place
from haversack.packfile.archive import open_pack
from haversack.packfile.graphscan import scan
from haversack.packfile.manifest import InputGeometry

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=NO_DATA)

EVERYDAY = DATA / "images" / "everyday"
DOG = EVERYDAY / "darknet_dog.jpg"
YOLOX = DATA / "models" / "detect" / "yolox_nano.onnx"
FASTESTDET = DATA / "models" / "detect" / "FastestDet.onnx"
DEEPLAB = DATA / "models" / "segment" / "deeplab_v3_1_default_1.onnx"
MNIST = DATA / "models" / "classify" / "mnist_ort.onnx"
VOC = [
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
]
DEEPLAB_FRAME = InputGeometry(width=257, height=257, geometry="stretch")


def opened(made: Built) -> Predictor:
    return Predictor(open_pack(made.path))


def assert_proved(made: Built, samples: int) -> None:
    parity = made.manifest.provenance.parity
    assert parity is not None
    assert parity.samples == samples == len(made.checks)
    assert parity.worst <= parity.tolerance
    assert made.path.parent.name == "tested"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packs")


@pytest.fixture(scope="module")
def fastestdet(repository: Path) -> Built:
    names = read_labels(DATA / "models" / "detect" / "coco80.names")
    samples = (DOG, EVERYDAY / "darknet_person.jpg", EVERYDAY / "darknet_horses.jpg")
    asked = request(FASTESTDET, preset="fastestdet", labels=names, samples=samples)
    return built(asked, repository / "fastestdet")


@pytest.fixture(scope="module")
def deeplab(repository: Path) -> Built:
    asked = request(DEEPLAB, preset="deeplab", labels=tuple(VOC), samples=(DOG,))
    return built(asked, repository / "deeplab")


@pytest.fixture(scope="module")
def mnist(repository: Path) -> Built:
    digits = tuple(str(i) for i in range(10))
    return built(request(MNIST, preset="mnist", labels=digits), repository / "mnist")


def test_fastestdet_finds_the_dog_the_car_and_the_bicycle(fastestdet: Built) -> None:
    assert_proved(fastestdet, 3)
    assert fastestdet.checks[0].expected >= 3, "the proof must have had something to find"
    best: dict[str, float] = {}
    for one in opened(fastestdet).predict(DOG.read_bytes()).detections:
        best.setdefault(one.label, one.score)
    assert best["dog"] == pytest.approx(0.81, abs=0.02)
    assert best["car"] == pytest.approx(0.76, abs=0.02)
    assert best["bicycle"] == pytest.approx(0.74, abs=0.02)


def test_fastestdets_shuffle_takes_any_number_of_photos(fastestdet: Built) -> None:
    predictor = opened(fastestdet)
    assert predictor.batches
    names = ("darknet_dog", "darknet_eagle", "darknet_giraffe")
    fitted = [predictor.fit(predictor.decode((EVERYDAY / f"{n}.jpg").read_bytes())) for n in names]
    graph = fastestdet.path / "model.onnx"
    session = open_session(graph, SessionOptions())
    feeds: dict[str, NDArray[Any]] = {
        "pixels": np.stack([one.pixels for one in fitted]),
        "placement": np.stack([one.placement for one in fitted]),
    }
    together = session.run(feeds)
    for i in range(3):
        alone = session.run({name: values[i : i + 1] for name, values in feeds.items()})
        for name, values in alone.items():
            assert together[name][i : i + 1].tobytes() == values.tobytes()


def test_deeplab_keeps_its_opset_where_no_new_operator_is_needed(deeplab: Built) -> None:
    assert_proved(deeplab, 1)
    model = onnx.load(deeplab.path / "model.onnx")
    assert [o.version for o in model.opset_import if o.domain == ""] == [9]
    assert scan((deeplab.path / "model.onnx").read_bytes()).signature.outputs[0].datatype == "UINT8"


def test_deeplab_sees_the_bicycle_and_the_dog_where_raw_levels_show_it_nothing(
    deeplab: Built,
) -> None:
    result = opened(deeplab).predict(DOG.read_bytes())
    assert isinstance(result.outcome, LabelMap)
    class_ids = result.outcome.class_ids
    assert class_ids.shape == (result.height, result.width)
    assert (class_ids == VOC.index("bicycle")).mean() == pytest.approx(0.07, abs=0.015)
    assert (class_ids == VOC.index("dog")).mean() == pytest.approx(0.06, abs=0.015)
    with Image.open(DOG) as photo:
        pixels = place(np.asarray(photo.convert("RGB")), DEEPLAB_FRAME).pixels
    original = open_session(DEEPLAB, SessionOptions())
    raw = original.run({"sub_7": pixels[None].astype(np.float32)})
    assert not next(iter(raw.values())).argmax(axis=-1).any(), "0-255 is all background"


def test_the_bare_converter_changes_deeplabs_labels_and_ours_does_not() -> None:
    network = read_network(DEEPLAB)
    with Image.open(DOG) as photo:
        pixels = place(np.asarray(photo.convert("RGB")), DEEPLAB_FRAME).pixels
    feed = normalise(pixels, Feeding(scale=2 / 255, mean=(1, 1, 1)))[None]

    def logits(model: onnx.ModelProto) -> NDArray[np.float32]:
        session = open_session(model.SerializeToString(), SessionOptions())
        return next(iter(session.run({"sub_7": feed}).values()))

    theirs = logits(network)
    bare = logits(version_converter.convert_version(network, 11))
    assert (bare.argmax(-1) != theirs.argmax(-1)).mean() > 0.01, "the trap is real"
    for opset in (11, 13):
        ours = logits(at_opset(network, opset))
        assert np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max()


def digit(number: int, size: int, *, inverted: bool = False) -> NDArray[np.uint8]:
    image = Image.new("L", (28, 28), 0)
    font = ImageFont.load_default(size=size)
    ImageDraw.Draw(image).text((14, 14), str(number), 255, font=font, anchor="mm")
    levels = np.asarray(image.convert("RGB"))
    return 255 - levels if inverted else levels


def right(predictor: Predictor, size: int, *, inverted: bool) -> int:
    count = 0
    for number in range(10):
        outcome = predictor.predict_pixels(digit(number, size, inverted=inverted)).outcome
        assert isinstance(outcome, Probabilities)
        assert outcome.values.sum() == pytest.approx(1, abs=1e-4)
        count += int(outcome.values.argmax()) == number
    return count


@pytest.mark.parametrize("size", [22, 23])
def test_mnist_reads_drawn_digits_and_fewer_of_them_inverted(mnist: Built, size: int) -> None:
    assert_proved(mnist, 4)
    predictor = opened(mnist)
    good = right(predictor, size, inverted=False)
    assert good >= 8
    assert right(predictor, size, inverted=True) < good
