"""COCO files, read by pycocotools."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.formats import survey_runs as made

from haversack.engine.rle import area, runs
from haversack.formats import coco

coco_api = importlib.import_module("pycocotools.coco")
evaluation = importlib.import_module("pycocotools.cocoeval")
masks = importlib.import_module("pycocotools.mask")


def loaded(folder: Path) -> tuple[Any, Any]:
    """The data set and its results, as pycocotools reads them, which talks a lot."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco_api.COCO(str(folder / "coco-dataset.json"))
        return truth, truth.loadRes(str(folder / "coco-results.json"))


def encoded(mask: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> str:
    counts: bytes = masks.encode(np.asfortranarray(mask))["counts"]
    return counts.decode("ascii")


def test_results_load_and_belong_to_the_data_set(exported: Path) -> None:
    truth, results = loaded(exported)
    assert len(results.anns) == 5
    assert {one["image_id"] for one in results.anns.values()} <= set(truth.imgs)
    assert {one["category_id"] for one in results.anns.values()} <= set(truth.cats)
    assert truth.imgs[1]["file_name"] == "a/one.jpg"
    assert [truth.cats[i]["name"] for i in (1, 2, 8)] == ["cow", "dog", "7"]


def test_failed_and_waiting_photos_are_not_images_that_would_count_as_empty(
    exported: Path,
) -> None:
    data = json.loads((exported / "coco-dataset.json").read_bytes())
    assert [image["id"] for image in data["images"]] == [1, 2, 3, 4, 8]
    assert [one["file_name"] for one in data["failures"]] == ["b/gone bad.jpg"]
    assert data["info"]["haversack"]["queued"] == 1
    assert [image["id"] for image in data["images"] if image.get("partial")] == [4]


def test_the_data_set_evaluated_against_its_own_results_is_perfect(exported: Path) -> None:
    truth, results = loaded(exported)
    with contextlib.redirect_stdout(io.StringIO()):
        check = evaluation.COCOeval(truth, results, "bbox")
        check.evaluate()
        check.accumulate()
        check.summarize()
    assert check.stats[0] == pytest.approx(1.0)


def test_masks_are_read_and_have_their_area(tmp_path: Path) -> None:
    mask = np.zeros((300, 400), np.uint8)
    mask[20:60, 10:50] = 1
    mask[30:40, 20:30] = 0
    run = made.run()
    photos = made.photos([made.photo(1, "a.jpg", made.found(mask=encoded(mask)))])
    coco.write_results(run, photos, tmp_path / "coco-results.json")
    coco.write_dataset(run, photos, tmp_path / "coco-dataset.json")
    truth, results = loaded(tmp_path)
    with warnings.catch_warnings():
        # pycocotools 2.0.11 has an __array__ of before NumPy 2.
        warnings.simplefilter("ignore", DeprecationWarning)
        assert (truth.annToMask(truth.anns[1]) == mask).all()
        assert (results.annToMask(results.anns[1]) == mask).all()
    assert truth.anns[1]["area"] == mask.sum() == 1500


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_the_area_of_any_mask_is_the_number_of_its_pixels(
    height: int, width: int, seed: int, share: float
) -> None:
    mask = (np.random.default_rng(seed).random((height, width)) < share).astype(np.uint8)
    counts = encoded(mask)
    assert area(counts) == mask.sum()
    assert sum(runs(counts)) == mask.size


@pytest.mark.parametrize("counts", ["\x20", "o", "\u00e4"])
def test_a_mask_that_is_none_is_refused(counts: str) -> None:
    with pytest.raises(ValueError, match="mask"):
        area(counts)


@given(st.lists(st.tuples(st.floats(0, 200), st.floats(0, 100), st.floats(0.4, 1)), max_size=20))
def test_boxes_are_left_top_width_height(
    tmp_path_factory: pytest.TempPathFactory, listed: list[tuple[float, float, float]]
) -> None:
    folder = tmp_path_factory.mktemp("coco")
    objects = [made.found((x, y, x + 150, y + 90), score=score) for x, y, score in listed]
    photo = replace(made.photo(1, "a.jpg"), outcome=made.objects(*objects))
    coco.write_results(made.run(), made.photos([photo]), folder / "r.json")
    for one, (x, y, score) in zip(
        json.loads((folder / "r.json").read_bytes()), listed, strict=True
    ):
        assert one["bbox"] == pytest.approx([x, y, 150, 90], abs=0.011)
        assert one["score"] == pytest.approx(score, abs=1e-4)
