"""The model that a person chose is the one that looks, however often the list is fetched anew."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.integration.survey_material import save, scene
from tests.web.conftest import OpenPage

PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos") / "flight"
    for number, name in enumerate(["a.png", "b.png", "c.png"]):
        save(folder / name, scene(number, 320, 240))
    return folder


@pytest.fixture
def page(open_page: OpenPage, two_models: str) -> Page:
    return open_page(two_models)


def refresh(page: Page) -> None:
    """The list of models is fetched each time that the menu opens."""
    with page.expect_response("**/packs"):
        page.click("#model-button")
    page.keyboard.press("Escape")


def test_escape_closes_the_menu(page: Page) -> None:
    page.click("#model-button")
    expect(page.locator("#model-menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#model-menu")).to_be_hidden()


def choose(page: Page, name: str) -> None:
    page.click("#model-button")
    page.click(f"label.model:has-text('{name}')")


def pack_of_job(page: Page, address: str) -> str:
    """Whose job the form became."""
    page.click("#folder-start")
    page.wait_for_url("**#job=*")
    job = page.url.partition("#job=")[2]
    pack: str = httpx.get(f"{address}/jobs/{job}", verify=False).json()["pack"]
    return pack


@pytest.mark.parametrize("before", [0, 1])
def test_a_folder_is_looked_at_by_the_model_of_the_menu(
    page: Page, photos: Path, two_models: str, before: int
) -> None:
    for _ in range(before):
        refresh(page)
    choose(page, "spots")
    refresh(page)
    page.set_input_files("#folder-file", photos)
    expect(page.locator("#folder-model")).to_have_value("spots@1")
    refresh(page)
    assert pack_of_job(page, two_models).partition("@")[0] == "spots"


def test_a_model_chosen_in_the_menu_while_the_form_is_open_is_the_forms(
    page: Page, photos: Path, two_models: str
) -> None:
    page.set_input_files("#folder-file", photos)
    choose(page, "spots")
    expect(page.locator("#folder-model")).to_have_value("spots@1")
    assert pack_of_job(page, two_models).partition("@")[0] == "spots"


def test_the_forms_own_choice_stays_when_the_list_is_fetched_anew(
    page: Page, photos: Path, two_models: str
) -> None:
    page.set_input_files("#folder-file", photos)
    page.select_option("#folder-model", "spots@1")
    refresh(page)
    assert pack_of_job(page, two_models).partition("@")[0] == "spots"


def test_a_model_that_is_gone_is_said_and_no_other_takes_its_place_unseen(
    page: Page, photos: Path, two_models: str
) -> None:
    page.set_input_files("#folder-file", photos)
    page.select_option("#folder-model", "spots@1")
    packs = httpx.get(f"{two_models}/packs", verify=False).json()["packs"]
    left = json.dumps({"packs": [pack for pack in packs if pack["name"] == "blobs"]})
    page.route("**/packs", lambda route: route.fulfill(status=200, body=left))
    refresh(page)
    page.click("#folder-start")
    expect(page.locator("#alert")).to_contain_text("no more; choose another")
    expect(page.locator("#folder-model")).to_have_value("blobs@1")
    assert pack_of_job(page, two_models).partition("@")[0] == "blobs"


def test_the_neighbours_of_a_photo_keep_the_order_of_the_table(
    page: Page, photos: Path, two_models: str, expected: list[str]
) -> None:
    """Its rows are fetched anew where another job was looked at meanwhile."""
    expected.append("Failed to load resource")
    page.set_input_files("#folder-file", photos)
    page.click("#folder-start")
    page.wait_for_url("**#job=*")
    job = page.url.partition("#job=")[2]
    expect(page.locator("#survey")).to_be_visible(timeout=PATIENCE_MS)
    page.select_option("#table-show", "all")
    page.select_option("#table-sort", "count")
    listed = page.locator("#table a").all_text_contents()
    assert listed != sorted(listed), "else both orders are the same"
    page.route("**/jobs/other", lambda route: route.fulfill(status=404, body="{}"))
    for name in (listed[0], listed[1]):
        page.evaluate("location.hash = 'job=other'")
        expect(page.locator("#job-title")).to_have_text("Job")
        page.evaluate("(hash) => { location.hash = hash; }", f"job={job}&photo={name}")
        expect(page.locator("#facts")).to_contain_text(name)
        place = listed.index(name) + 1
        expect(page.locator("#of-job-count")).to_have_text(f"{place} of {len(listed)}")
