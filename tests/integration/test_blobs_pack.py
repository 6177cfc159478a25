"""The pack that comes with Haversack: rebuilt, verified, and run from end to end."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from haversack.engine.photo import DecodedPhoto
from haversack.engine.predictor import Predictor
from haversack.engine.results import PhotoResult
from haversack.engine.verify import read_arrays, verify
from haversack.errors import EngineError
from haversack.pack.blobs import build_blobs
from haversack.packfile.archive import PackFiles, open_pack, write_archive
from haversack.packfile.repository import Repository
from haversack.samples.animal_count import tally
from haversack.samples.bundle import BUNDLED_PACKS
from haversack.samples.scenes import draw_scene


@pytest.fixture(scope="module")
def blobs() -> PackFiles:
    return open_pack(Repository(BUNDLED_PACKS).find("blobs"))


@pytest.fixture(scope="module")
def predictor(blobs: PackFiles) -> Predictor:
    return Predictor(blobs)


def test_the_checked_in_pack_is_what_the_code_builds(blobs: PackFiles, tmp_path: Path) -> None:
    rebuilt = open_pack(build_blobs(tmp_path).path)
    assert rebuilt.names == blobs.names
    for name in blobs.names:
        if name.endswith((".onnx", ".png")):
            assert rebuilt.read(name) == blobs.read(name), f"{name}: python -m haversack.pack.blobs"
        elif name.endswith(".npz"):
            ours, theirs = read_arrays(rebuilt.read(name)), read_arrays(blobs.read(name))
            for key, values in theirs.items():
                # Another processor's last bits may differ.
                assert np.allclose(ours[key], values, atol=1e-3), (name, key)


def test_the_bundled_pack_verifies(blobs: PackFiles, predictor: Predictor) -> None:
    parity = blobs.manifest.provenance.parity
    assert parity is not None
    checks = verify(blobs, predictor)
    assert len(checks) == parity.samples == 2
    assert all(check.worst <= parity.tolerance for check in checks)
    assert all(check.expected == check.found > 0 for check in checks)


def test_it_stays_a_sample_of_a_few_kilobytes(blobs: PackFiles) -> None:
    assert sum(len(blobs.read(name)) for name in blobs.names) < 100_000


def test_most_animals_of_scenes_it_was_not_tuned_on_are_found(predictor: Predictor) -> None:
    counts = []
    for seed in (3, 4):
        scene = draw_scene(seed)
        result = predictor.predict_pixels(scene.pixels)
        boxes = np.array([one.box for one in result.above(0.4).detections], dtype=np.float32)
        counts.append(tally(scene.boxes, boxes))
    true = sum(count.true for count in counts)
    assert sum(count.found for count in counts) >= 0.8 * true
    assert sum(count.other for count in counts) <= 0.4 * true


def test_a_damaged_answer_is_noticed(blobs: PackFiles, tmp_path: Path) -> None:
    """The replay can fail: the same samples against a graph that sees less."""
    from_folder = tmp_path / "blobs"
    shutil.copytree(blobs.location, from_folder)
    pack = open_pack(from_folder)
    checks = verify(pack, Deaf(pack))
    assert all(check.worst > 0.02 for check in checks)


class Deaf(Predictor):
    """A predictor that loses everything it found."""

    def predict(self, data: bytes, name: str = "") -> PhotoResult:
        return super().predict(data, name).above(2.0)


def test_three_photos_at_once_answer_as_each_alone(predictor: Predictor) -> None:
    pixels = [draw_scene(seed, width=640, height=480).pixels for seed in range(3)]
    fitted = [predictor.fit(predictor_image(p)) for p in pixels]
    together = predictor.infer(fitted)
    for one, alone in zip(together, (predictor.infer([f])[0] for f in fitted), strict=True):
        assert vars(one).keys() == vars(alone).keys()
        for key, value in vars(one).items():
            assert np.array_equal(value, vars(alone)[key]), key


def predictor_image(pixels: NDArray[np.uint8]) -> DecodedPhoto:
    height, width = pixels.shape[:2]
    return DecodedPhoto(pixels=pixels, width=width, height=height, shrink=1, format="array")


def test_no_photos_give_no_answers(predictor: Predictor) -> None:
    assert predictor.infer([]) == []


def test_a_pack_file_answers_as_its_folder(
    blobs: PackFiles, predictor: Predictor, tmp_path: Path
) -> None:
    archive = Predictor(open_pack(write_archive(blobs.location, tmp_path / "blobs.pack")))
    pixels = draw_scene(5, width=400, height=300).pixels
    assert archive.predict_pixels(pixels).detections == predictor.predict_pixels(pixels).detections


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), dtype=np.uint8),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((4, 4, 3), dtype=np.float32),
        np.zeros((0, 4, 3), dtype=np.uint8),
    ],
)
def test_pixels_that_are_not_rgb_bytes_are_refused(
    predictor: Predictor, pixels: NDArray[np.uint8]
) -> None:
    with pytest.raises(EngineError) as caught:
        predictor.predict_pixels(pixels)
    assert caught.value.code == "pixels-unfit"


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (800, 800), (2000, 10)])
def test_photos_of_any_shape_are_answered(predictor: Predictor, size: tuple[int, int]) -> None:
    height, width = size
    result = predictor.predict_pixels(np.full((height, width, 3), 90, dtype=np.uint8))
    assert (result.width, result.height) == (width, height)
    assert result.detections == result.above(0).detections
