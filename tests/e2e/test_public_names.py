"""The Python names of the contract."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import haversack as hs


@pytest.fixture(scope="module")
def blobs() -> hs.Pack:
    return hs.load("blobs")


def test_a_path_bytes_and_pixels_give_the_same_objects(blobs: hs.Pack, scene_folder: Path) -> None:
    path = scene_folder / "a.png"
    by_path = blobs.predict(path)
    assert by_path.detections[0].label in ("bright", "dark")
    assert by_path.to_dict()["image"] == str(path)
    assert blobs.predict(str(path)).detections == by_path.detections
    assert blobs.predict(path.read_bytes()).detections == by_path.detections
    assert blobs.predict(np.asarray(Image.open(path))).detections == by_path.detections


def test_a_list_gives_a_list(blobs: hs.Pack, scene_folder: Path) -> None:
    results = blobs.predict([scene_folder / "a.png", scene_folder / "below" / "b.jpg"])
    assert [Path(one.image).name for one in results] == ["a.png", "b.jpg"]


def test_a_threshold_gives_fewer_or_more(blobs: hs.Pack, scene_folder: Path) -> None:
    counts = [
        len(blobs.predict(scene_folder / "a.png", threshold=t).detections) for t in (0.1, 0.4, 0.9)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_a_notebook_shows_the_photo_with_what_was_found(blobs: hs.Pack, scene_folder: Path) -> None:
    shown = blobs.predict(scene_folder / "a.png")._repr_html_()
    assert shown.startswith("<figure>")
    assert "data:image/jpeg;base64," in shown
    assert "blobs@1" in shown


def test_a_name_with_markup_does_not_reach_the_notebook_as_markup(
    blobs: hs.Pack, scene_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "<script>.png"
    path.write_bytes((scene_folder / "a.png").read_bytes())
    assert "<script>" not in blobs.predict(path)._repr_html_()


def test_errors_are_of_one_class_with_a_stable_code(blobs: hs.Pack) -> None:
    with pytest.raises(hs.HaversackError) as caught:
        blobs.predict(b"no photo")
    assert caught.value.code == "image-type-unknown"
    with pytest.raises(hs.HaversackError) as caught:
        hs.load("no-such-pack")
    assert caught.value.hint


def test_a_decode_limit_is_kept(scene_folder: Path) -> None:
    small = hs.load("blobs", decode_limit="1M")
    with pytest.raises(hs.HaversackError) as caught:
        small.predict(scene_folder / "a.png")
    assert caught.value.code == "image-too-large"


def test_threads_share_one_pack(blobs: hs.Pack, scene_folder: Path) -> None:
    alone = blobs.predict(scene_folder / "a.png").detections
    answers: list[object] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(blobs.predict(scene_folder / "a.png").detections)
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [alone] * 4


def test_only_the_contracts_names_are_public() -> None:
    assert set(hs.__all__) == {"HaversackError", "Pack", "Prediction", "__version__", "load"}
    with pytest.raises(AttributeError):
        hs.nothing  # noqa: B018
