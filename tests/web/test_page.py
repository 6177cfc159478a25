"""A person with a photo, before the real server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat
from playwright.sync_api import Page, Request, expect
from tests.web.conftest import OpenPage
from tests.web.driving import (
    answer_with,
    choose_model,
    drawn_boxes,
    drop_path,
    give,
    hand_over,
    names,
    pixels_of,
    save_photo,
    settle,
)

from haversack.samples.scenes import draw_scene

DOG, BICYCLE, CAR = 16, 1, 2
TIMES = "\N{MULTIPLICATION SIGN}"
FOUND = "3 kinds of objects: 1 dog, 1 bicycle, 1 car"


@pytest.fixture
def page(open_page: OpenPage, server: str) -> Page:
    return open_page(f"{server}/#model=yolox-nano")


def test_a_fresh_person_finds_the_dog_the_bicycle_and_the_car(page: Page, dog: Path) -> None:
    give(page, dog)
    assert names(page) == {"dog": "1", "bicycle": "1", "car": "1"}
    assert page.inner_text("#summary") == FOUND
    assert page.get_attribute("#stage", "aria-label") == f"darknet_dog.jpg: {FOUND}"
    assert f"768 {TIMES} 576 px · yolox-nano@1" in page.inner_text("#facts")
    assert drawn_boxes(page) == 3


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_photo_may_be_dropped_or_pasted(page: Page, dog: Path, way: str) -> None:
    hand_over(page, way, dog)
    assert page.inner_text("#summary") == FOUND
    assert page.inner_text("#facts").startswith("darknet_dog.jpg")


def test_a_folder_may_be_dropped_with_the_folders_in_it(page: Page, tmp_path: Path) -> None:
    flight = tmp_path / "flight"
    (flight / "below").mkdir(parents=True)
    for place in (flight / "a.png", flight / "below" / "b.png"):
        Image.new("RGB", (64, 48), "teal").save(place)
    drop_path(page, flight)
    expect(page.locator("#folder-facts")).to_contain_text("2 photos")
    assert page.input_value("#folder-name") == "flight"


def test_a_sample_photo_is_one_click_away(page: Page) -> None:
    choose = page.locator("#model-button")
    choose.click()
    page.click("label.model:has-text('blobs')")
    with page.expect_response("**/predict/blobs?**"):
        page.click(".sample >> nth=0")
    settle(page)
    assert set(names(page)) == {"bright", "dark"}
    assert page.inner_text("#facts").startswith(f"aerial_000.jpg · 1200 {TIMES} 800 px")


def test_a_name_draws_only_its_boxes_and_another_adds_its_own(page: Page, dog: Path) -> None:
    give(page, dog)
    assert all(pixels_of(page, class_id) for class_id in (DOG, BICYCLE, CAR))
    page.click("button.name:has-text('dog')")
    assert page.get_attribute("button.name:has-text('dog')", "aria-pressed") == "true"
    assert (drawn_boxes(page), pixels_of(page, BICYCLE), pixels_of(page, CAR)) == (1, 0, 0)
    assert pixels_of(page, DOG)
    page.click("button.name:has-text('car')")
    assert (drawn_boxes(page), pixels_of(page, BICYCLE)) == (2, 0)
    page.click("#mode label:has-text('Original')")
    assert (drawn_boxes(page), pixels_of(page, DOG)) == (0, 0)
    page.click("#mode label:has-text('Chosen')")
    assert drawn_boxes(page) == 2
    page.click("button.name:has-text('dog')")
    page.click("button.name:has-text('car')")
    assert page.is_checked("input[value=all]")
    assert drawn_boxes(page) == 3


def test_the_slider_filters_without_asking_again(page: Page, dog: Path) -> None:
    give(page, dog)
    asked = list[Request]()
    page.on("request", lambda request: asked.append(request))
    page.fill("#threshold", "0.83")
    assert names(page) == {"dog": "1"}
    assert page.inner_text("#summary") == "1 kind of object: 1 dog"
    page.fill("#threshold", "0.05")
    assert int(names(page)["car"]) + len(names(page)) > 4
    page.fill("#threshold", "1")
    assert page.inner_text("#summary") == "No objects above this threshold."
    page.click("#threshold-reset")
    assert names(page) == {"dog": "1", "bicycle": "1", "car": "1"}
    assert asked == []


def test_another_model_looks_at_the_same_photo(page: Page, dog: Path) -> None:
    give(page, dog)
    choose_model(page, "deeplab")
    assert {"background", "bicycle", "dog"} <= set(names(page))
    choose_model(page, "yolox-nano")
    assert page.inner_text("#summary") == FOUND
    assert page.inner_text("#model-name") == "yolox-nano"


def test_a_pack_without_photos_cannot_be_chosen_and_says_why(page: Page) -> None:
    page.click("#model-button")
    row = page.locator("label.model:has(.model-title:text-is('raw'))")
    assert row.locator("input").is_disabled()
    assert "nothing to draw" in row.inner_text()


def test_a_label_map_is_laid_over_the_photo_with_a_legend(page: Page, dog: Path) -> None:
    choose = page.locator("#model-button")
    choose.click()
    page.click("label.model:has-text('deeplab')")
    give(page, dog)
    page.fill("#opacity", "1")
    legend = names(page)
    assert legend["background"] == "86 %"
    bicycle, hound = 2, 12  # VOC's numbers
    assert pixels_of(page, bicycle)
    assert pixels_of(page, hound)
    page.click("button.name:has-text('dog')")
    assert (pixels_of(page, bicycle), pixels_of(page, hound) > 0) == (0, True)
    page.fill("#opacity", "0")
    assert pixels_of(page, hound) == 0


def test_a_classifier_answers_with_bars(page: Page, dog: Path) -> None:
    give(page, dog)
    choose_model(page, "mnist")
    assert page.locator("#bars li").count() == 5
    assert page.inner_text("#summary").startswith("Most likely")
    assert page.is_hidden("#mode")


def test_the_record_is_saved_as_the_server_gave_it(page: Page, dog: Path) -> None:
    with page.expect_response("**/predict/**") as answer:
        page.set_input_files("#file", dog)
    settle(page)
    with page.expect_download() as download:
        page.click("#save-record")
    assert download.value.suggested_filename == "darknet_dog.json"
    text = Path(download.value.path()).read_text()
    assert text == answer.value.text()
    record = json.loads(text)
    assert (record["image"], record["pack"]) == ("darknet_dog.jpg", "yolox-nano")
    assert min(one["score"] for one in record["detections"]) < 0.4


def test_the_photo_is_saved_at_full_size_as_shown(page: Page, dog: Path) -> None:
    give(page, dog)
    page.click("button.name:has-text('dog')")
    saved = save_photo(page)
    assert saved.size == (768, 576)
    changed = ImageChops.difference(saved, Image.open(dog).convert("RGB"))
    box = changed.point(lambda level: 255 * (level > 60)).getbbox()
    assert box is not None
    assert box[0] == pytest.approx(131, abs=8)
    assert box[3] == pytest.approx(543, abs=8)


def test_a_large_photo_keeps_its_size_in_the_saved_photo(page: Page, tmp_path: Path) -> None:
    photo = tmp_path / "wide.jpg"
    Image.fromarray(draw_scene(3).pixels).resize((4000, 2600)).save(photo)
    give(page, photo)
    assert save_photo(page).size == (4000, 2600)


def test_a_turned_photo_is_upright_with_its_boxes(page: Page, dog: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # a viewer turns it clockwise
    Image.open(dog).rotate(90, expand=True).save(turned, exif=exif, quality=95)
    give(page, turned)
    assert names(page) == {"dog": "1", "bicycle": "1", "car": "1"}
    page.click("#mode label:has-text('Original')")
    page.fill("#threshold", "1")
    saved = save_photo(page)
    upright = ImageOps.exif_transpose(Image.open(turned)).convert("RGB")
    assert saved.size == upright.size == (768, 576)
    assert max(ImageStat.Stat(ImageChops.difference(saved, upright)).mean) < 4


def test_a_tiff_that_the_browser_cannot_show_still_gives_names(
    page: Page, dog: Path, tmp_path: Path
) -> None:
    photo = tmp_path / "scan.tif"
    Image.open(dog).save(photo)
    give(page, photo)
    assert page.inner_text("#summary") == FOUND
    assert "cannot show this kind of photo" in page.inner_text("#notice")
    assert page.is_disabled("#save-shown")
    assert page.is_enabled("#save-record")


def test_the_command_asks_the_same_of_this_server(page: Page, server: str, dog: Path) -> None:
    give(page, dog)
    page.click("summary")
    assert page.inner_text("#curl") == (
        f"curl -F image=@darknet_dog.jpg '{server}/predict/yolox-nano?threshold=0.4'"
    )


def test_hovering_a_box_names_it(page: Page, dog: Path) -> None:
    give(page, dog)
    stage = page.locator("#stage").bounding_box()
    assert stage
    page.mouse.move(stage["x"] + stage["width"] * 0.3, stage["y"] + stage["height"] * 0.6)
    assert page.inner_text("#tooltip") == "dog 0.86"
    page.mouse.move(5, 5)
    assert page.is_hidden("#tooltip")


def test_a_thousand_boxes_cost_no_elements(page: Page, dog: Path) -> None:
    def elements() -> int:
        count: int = page.evaluate("document.querySelectorAll('*').length")
        return count

    give(page, dog)
    before = elements()
    boxes = [
        {
            "label": f"kind {i % 5}",
            "class_id": i % 5,
            "score": 1 - i / 2000,
            "box": [i % 40 * 19, i // 40 * 22, i % 40 * 19 + 15, i // 40 * 22 + 18],
        }
        for i in range(1000)
    ]
    record = {"image": "", "width": 768, "height": 576, "pack": "p", "version": "1"}
    answer_with(page, record | {"task": "detect", "detections": boxes})
    give(page, dog)
    assert drawn_boxes(page) == 1000
    assert names(page) == {f"kind {i}": "200" for i in range(5)}
    assert elements() <= before + 20


def test_zoom_enlarges_and_fit_shows_the_whole_photo(page: Page, dog: Path) -> None:
    give(page, dog)
    whole = pixels_of(page, DOG)
    for _ in range(4):
        page.click("#zoom-in")
    assert pixels_of(page, DOG) != whole
    page.click("#zoom-fit")
    assert pixels_of(page, DOG) == whole
