"""What the page shows of each task, of a new one, and of one that it does not know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from tests.web.conftest import OpenPage
from tests.web.driving import answer_with, drawn_boxes, give, names, pixels_of, save_photo, settle

from haversack.formats.overlay import colour_of
from haversack.web.page import STATIC

SKY_BLUE = 1
RECORD = {"image": "", "width": 64, "height": 48, "pack": "blobs", "version": "1"}
BOX = {"label": "hare", "class_id": SKY_BLUE, "score": 0.61, "box": [8, 8, 40, 40]}
CLASS = {"label": "meadow", "class_id": 2, "score": 0.75}
# A task that a developer adds: how heavy a photo's animal is, with a layer of its own.
HEAVY = """// @ts-check
// How heavy the animal is.

import { make } from "../elements.js";
import { BARE } from "./task.js";

/** @type {import("./task.js").Task} */
export const weigh = {
  ...BARE,
  words: "kilograms",
  title: "Weight",
  controls: { threshold: false, opacity: true, mode: false },
  async unpack(record) {
    return { kilograms: await Promise.resolve(Number(record.packed)) };
  },
  sentence: (record) => `${record.animal} of ${record.packed} kg`,
  note: () => "Weighed by eye.",
  rows: ({ record, pixels }) => {
    return [{ label: record.animal, class_id: 1, value: `${pixels.kilograms} kg`, detail: "" }];
  },
  bars: (record) => [{ label: record.animal, class_id: 1, score: 0.5 }],
  layer: ({ opacity }) => {
    const drawing = make("canvas");
    const brush = drawing.getContext("2d");
    if (brush) brush.fillStyle = "rgb(86 180 233)";
    brush?.fillRect(0, 0, drawing.width, drawing.height);
    return { drawing, opacity, wordsAt: (x) => `${Math.floor(x / 64)} heavy` };
  },
  caption: (record) => [{ classId: 1, text: `${record.packed} kg` }],
};
"""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "hare.png"
    Image.new("RGB", (64, 48), "white").save(path)
    return path


def open_with(
    open_page: OpenPage, address: str, pack: dict[str, Any], table: tuple[str, str] = ("", "")
) -> Page:
    """The page of a server with such a pack; an import and a row are added to its table."""
    page = open_page(f"{address}/static/favicon.svg", wait=False)
    packs = page.request.get(f"{address}/packs").json()["packs"]
    listed = json.dumps({"packs": [one | pack for one in packs]})
    page.route("**/packs", lambda route: route.fulfill(status=200, body=listed))
    text = (STATIC / "tasks" / "table.js").read_text()
    imported, row = table
    text = text.replace("\n\n/** @import", f"\n{imported}\n\n/** @import", 1)
    text = text.replace("new Map([", f"new Map([\n  {row}", 1)
    script = "text/javascript"
    page.route("**/tasks/table.js", lambda route: route.fulfill(content_type=script, body=text))
    page.route("**/tasks/weigh.js", lambda route: route.fulfill(content_type=script, body=HEAVY))
    page.goto(address)
    page.wait_for_selector("[data-tone]:not([data-tone=wait])")
    return page


def test_a_task_is_added_by_its_module_and_its_row(
    open_page: OpenPage, blobs_server: str, expected: list[str], photo: Path
) -> None:
    expected.append("Failed to load resource")  # the icon beside an image
    added = ('import { weigh } from "./weigh.js";', '["weigh", weigh],')
    page = open_with(open_page, blobs_server, {"task": "weigh"}, added)
    assert "kilograms" in page.inner_text("#model-facts")
    answer_with(page, RECORD | {"task": "weigh", "animal": "hare", "packed": "4"})
    give(page, photo)
    assert page.inner_text("#panel-title") == "Weight"
    assert page.inner_text("#summary") == "hare of 4 kg"
    assert page.inner_text("#note") == "Weighed by eye."
    assert names(page) == {"hare": "4 kg"}
    assert page.locator("#bars li").count() == 1
    hidden = [page.is_hidden(f"#{box}") for box in ("threshold-box", "mode", "opacity-box")]
    assert hidden == [True, True, False]
    page.fill("#opacity", "1")
    assert pixels_of(page, SKY_BLUE) > 1000
    page.hover("#stage")
    assert page.inner_text("#tooltip") == "0 heavy"
    saved = save_photo(page)
    assert saved.getpixel((60, 44)) == colour_of(SKY_BLUE)
    assert saved.getpixel((1, 1)) != colour_of(SKY_BLUE), "the caption's ground"
    page.click("summary")
    assert "threshold" not in page.inner_text("#curl")


@pytest.mark.parametrize(
    ("parts", "summary", "listed", "boxes", "bars"),
    [
        ({}, "This model gives nothing to draw.", {}, 0, 0),
        ({"outputs": []}, "This model gives nothing to draw.", {}, 0, 0),
        ({"detections": [BOX]}, "1 kind of object: 1 hare", {"hare": "1"}, 1, 0),
        ({"classes": [CLASS]}, "Most likely meadow, 75 % sure", {}, 0, 1),
        (
            {"legend": [{"label": "sea", "class_id": 3, "pixels": 768}]},
            "1 kind of area: sea 25 %",
            {"sea": "25 %"},
            0,
            0,
        ),
    ],
)
def test_a_task_of_a_newer_server_shows_what_is_known_of_it(
    open_page: OpenPage,
    blobs_server: str,
    photo: Path,
    parts: dict[str, Any],
    summary: str,
    listed: dict[str, str],
    boxes: int,
    bars: int,
) -> None:
    page = open_page(blobs_server)
    answer_with(page, RECORD | {"task": "reckon"} | parts)
    give(page, photo)
    assert page.inner_text("#panel-title") == "Objects"
    assert page.inner_text("#summary") == summary
    assert names(page) == listed
    assert drawn_boxes(page) == boxes
    assert page.locator("#bars li").count() == bars
    assert page.is_hidden("#threshold-box")
    assert page.is_visible("#mode")


@pytest.mark.parametrize(
    ("pack", "said"),
    [
        ({"task": "reckon"}, "nothing to draw: it gives plain numbers"),
        ({"task": "tensor"}, "nothing to draw: it gives plain numbers"),
        ({"task": "tensor", "takes_pictures": False}, "no photo: it takes numbers"),
        ({"task": "detect", "takes_pictures": False}, "no photo: it takes numbers"),
        ({"task": "segment"}, ""),
    ],
)
def test_a_model_is_offered_where_the_page_has_a_question_and_a_drawing(
    open_page: OpenPage,
    blobs_server: str,
    expected: list[str],
    pack: dict[str, Any],
    said: str,
) -> None:
    expected.append("Failed to load resource")
    page = open_with(open_page, blobs_server, pack)
    page.click("#model-button")
    row = page.locator("label.model")
    assert row.locator("input").is_disabled() == (said != "")
    assert said in row.inner_text()


def test_a_jobs_map_leaves_the_background_bare_whatever_model_is_chosen(
    open_page: OpenPage, server: str, dog: Path
) -> None:
    page = open_page(f"{server}/#model=yolox-nano")
    sent = page.request.post(
        f"{server}/jobs/deeplab?map=true",
        headers={"Content-Type": "image/jpeg"},
        data=dog.read_bytes(),
    )
    page.evaluate("(id) => { location.hash = `job=${id}`; }", sent.json()["id"])
    expect(page.locator("#panel-title")).to_have_text("Areas")
    page.fill("#opacity", "1")
    settle(page)
    hound, background = 12, 0
    assert pixels_of(page, hound)
    # A potted plant has the background's colour, and very little of this photo.
    assert pixels_of(page, background) < 10_000


def test_tasks_can_be_loaded_where_there_is_no_page(
    open_page: OpenPage, blobs_server: str, expected: list[str]
) -> None:
    """A worker has no document: a task's module that reached for one could not infer there."""
    expected.append("Failed to load resource")
    page = open_page(f"{blobs_server}/static/favicon.svg", wait=False)
    worker = """
        import { taskOf } from "./tasks/table.js";
        const names = ["detect", "label-map", "classify", "tensor", "?"];
        postMessage(names.map((name) => taskOf(name).title));
    """
    page.route(
        "**/static/worker.js",
        lambda route: route.fulfill(content_type="text/javascript", body=worker),
    )
    titles = page.evaluate(
        """() => new Promise((resolve, reject) => {
            const worker = new Worker("/static/worker.js", { type: "module" });
            worker.onmessage = ({ data }) => resolve(data);
            worker.onerror = ({ message }) => reject(new Error(message || "not loaded"));
        })"""
    )
    assert titles == ["Objects", "Areas", "Classes", "Objects", "Objects"]


def test_nothing_but_its_own_module_writes_the_state(
    open_page: OpenPage, blobs_server: str, expected: list[str]
) -> None:
    expected.append("Failed to load resource")
    page = open_page(f"{blobs_server}/static/favicon.svg", wait=False)
    written = page.evaluate(
        """async () => {
            const { State } = await import("/static/state.js");
            const state = new State();
            const all = Object.entries(Object.getOwnPropertyDescriptors(State.prototype));
            const values = all.filter(([, one]) => one.get).map(([name]) => name);
            const taken = values.filter((name) => {
                try {
                    Object.assign(state, { [name]: null });
                    return true;
                } catch {
                    return false;
                }
            });
            return { fields: Object.keys(state), values: values.length, taken };
        }"""
    )
    assert written == {"fields": [], "values": written["values"], "taken": []}
    assert written["values"] >= 10
