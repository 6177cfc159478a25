"""Results drawn onto their photo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from haversack.engine.results import PackIdentity, PhotoResult
from haversack.engine.tasks.classify import Probabilities
from haversack.engine.tasks.detect import Detections
from haversack.engine.tasks.label_map import LabelMap
from haversack.engine.tasks.task import TaskOutcome
from haversack.engine.tasks.tensor import Tensors
from haversack.errors import PhotoError
from haversack.formats.overlay import PALETTE, annotate, colour_of, save_annotated

GREY = np.full((300, 400, 3), 90, np.uint8)


def result(outcome: TaskOutcome | None) -> PhotoResult:
    pack = PackIdentity(name="p", version="1", task="detect", labels=("cow", "dog"))
    return PhotoResult(image="a", width=400, height=300, pack=pack, outcome=outcome)


def found(boxes: list[list[float]], *, score: float = 0.9, class_id: int = 0) -> Detections:
    return Detections(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.full(len(boxes), score, np.float32),
        class_ids=np.full(len(boxes), class_id, np.int64),
        candidates=len(boxes),
        truncated=False,
    )


def drawn(outcome: TaskOutcome | None) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(annotate(GREY, result(outcome)))


def painted(photo: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], class_id: int) -> int:
    return int((photo == colour_of(class_id)).all(axis=-1).sum())


def test_box_edges_take_the_colour_of_the_class() -> None:
    photo = drawn(found([[50, 100, 250, 220]], class_id=1))
    assert tuple(photo[160, 50]) == colour_of(1)
    assert tuple(photo[160, 249]) == colour_of(1)
    assert tuple(photo[219, 150]) == colour_of(1)
    assert tuple(photo[160, 150]) == (90, 90, 90)


def test_a_surer_box_is_drawn_thicker() -> None:
    many = [[50.0, 100.0, 250.0, 220.0]] * 41
    assert painted(drawn(found(many, score=1.0)), 0) > painted(drawn(found(many, score=0.1)), 0)


def test_the_photo_itself_is_not_changed() -> None:
    before = GREY.copy()
    drawn(found([[50, 100, 250, 220]]))
    assert (before == GREY).all()


@pytest.mark.parametrize(
    "box", [[0, 0, 30, 20], [380, 0, 400, 20], [370, 280, 400, 300], [0, 0, 400, 300]]
)
def test_a_tag_stays_whole_at_every_side(box: list[float]) -> None:
    inside = painted(drawn(found([[150, 150, 150 + box[2] - box[0], 150 + box[3] - box[1]]])), 0)
    assert painted(drawn(found([box])), 0) > 0.6 * inside


def test_more_than_forty_boxes_are_drawn_without_text() -> None:
    box = [[50.0, 100.0, 250.0, 220.0]]
    assert tuple(drawn(found(box * 40))[97, 51]) == colour_of(0)
    assert tuple(drawn(found(box * 41))[97, 51]) == (90, 90, 90)


def test_a_tag_never_hides_another_small_object() -> None:
    lower, upper = [100.0, 100.0, 130.0, 120.0], [100.0, 85.0, 130.0, 96.0]
    beside = found([lower, upper])
    photo = drawn(beside)
    assert (photo[88:93, 103:127] == 90).all()
    assert (photo[103:117, 103:127] == 90).all()


def test_a_label_map_tints_the_photo_and_names_its_classes() -> None:
    ids = np.zeros((300, 400), np.uint8)
    ids[:, 200:] = 1
    photo = drawn(LabelMap(class_ids=ids))
    assert not np.array_equal(photo[250, 100], photo[250, 300])
    assert painted(photo, 0) > 50
    assert painted(photo, 1) > 50


def test_the_background_of_a_label_map_keeps_the_photos_colours() -> None:
    ids = np.zeros((300, 400), np.uint8)
    ids[:, 200:] = 1
    pack = PackIdentity(name="p", version="1", task="label-map", labels=("background", "dog"))
    outcome = replace(result(LabelMap(class_ids=ids)), pack=pack)
    photo = np.asarray(annotate(GREY, outcome))
    assert (photo[250, :200] == 90).all()
    assert not (photo[250, 200:] == 90).any(axis=-1).all()


def test_a_classifier_gives_a_caption_and_leaves_the_rest() -> None:
    photo = drawn(Probabilities(values=np.array([0.2, 0.8], np.float32)))
    assert painted(photo, 1) > 50
    assert (photo[150:] == 90).all()


def test_failures_and_tensors_leave_the_photo_as_it_is() -> None:
    assert (drawn(Tensors(values={})) == GREY).all()
    failed = replace(result(None), error=PhotoError("image-truncated", "The file ends early."))
    assert (np.asarray(annotate(GREY, failed)) == GREY).all()


def test_colours_of_the_first_classes_differ() -> None:
    assert len({colour_of(i) for i in range(len(PALETTE))}) == len(PALETTE)


@pytest.mark.parametrize(("name", "form"), [("a.jpg", "JPEG"), ("a.PNG", "PNG")])
def test_the_suffix_names_the_form(tmp_path: Path, name: str, form: str) -> None:
    save_annotated(GREY, result(found([[50, 100, 250, 220]])), tmp_path / name)
    with Image.open(tmp_path / name) as opened:
        assert opened.format == form
        assert opened.size == (400, 300)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 900, 3), (900, 3, 3)])
def test_tiny_photos_can_be_drawn_on(shape: tuple[int, int, int]) -> None:
    pixels = np.zeros(shape, np.uint8)
    for outcome in (
        found([[0, 0, shape[1], shape[0]]]),
        Probabilities(values=np.ones(2, np.float32)),
    ):
        assert annotate(pixels, result(outcome)).size == (shape[1], shape[0])
