"""What goes wrong is said in a sentence, where people look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route
from tests.web.conftest import OpenPage
from tests.web.driving import give, names, settle

KEY = "sesame-of-sixteen-letters"
BUSY = {"error": "the queue is full", "code": "overloaded", "hint": "", "request_id": "1"}


@pytest.fixture
def page(open_page: OpenPage, server: str, expected: list[str]) -> Page:
    expected.append("Failed to load resource")
    return open_page(f"{server}/#model=blobs")


@pytest.fixture
def scene(tmp_path: Path, server: str, page: Page) -> Path:
    """A sample photo as a file."""
    photo = tmp_path / "scene.jpg"
    photo.write_bytes(page.request.get(f"{server}/samples/aerial_000.jpg").body())
    return photo


def test_a_text_that_calls_itself_a_photo_is_refused_in_a_sentence(
    page: Page, tmp_path: Path
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no photo at all")
    give(page, text)
    said = page.inner_text("[role=alert]")
    assert "text.jpg" in said
    assert "none of JPEG, PNG" in said
    assert "Convert it to JPEG or PNG" in said
    assert "{" not in said
    assert page.is_visible("#drop")


def test_a_good_photo_after_a_bad_one_clears_the_alert(
    page: Page, tmp_path: Path, scene: Path
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no photo at all")
    give(page, text)
    give(page, scene)
    assert page.is_hidden("#alert")
    assert names(page)


def test_a_truncated_photo_stays_with_its_reason(page: Page, tmp_path: Path, scene: Path) -> None:
    half = tmp_path / "half.jpg"
    half.write_bytes(scene.read_bytes()[:60_000])
    give(page, half)
    assert page.is_visible("#alert")
    assert len(page.inner_text("#alert p")) > 30


def test_a_busy_server_is_asked_once_more_after_its_time(page: Page, scene: Path) -> None:
    asked = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > 1:
            route.continue_()
            return
        route.fulfill(status=429, headers={"Retry-After": "1"}, body=json.dumps(BUSY))

    page.route("**/predict/**", answer)
    page.set_input_files("#file", scene)
    page.wait_for_selector("#alert:has-text('Trying again in 1 s')")
    page.wait_for_selector("button.name")
    assert page.is_hidden("#alert")
    assert len(asked) == 2


def test_a_server_that_stays_busy_says_so_and_can_be_asked_again(page: Page, scene: Path) -> None:
    headers = {"Retry-After": "0"}
    body = json.dumps(BUSY)
    page.route("**/predict/**", lambda r: r.fulfill(status=429, headers=headers, body=body))
    page.set_input_files("#file", scene)
    again = page.locator("#alert button:has-text('Try again')")
    again.wait_for()
    assert "The queue is full." in page.inner_text("#alert")
    page.unroute("**/predict/**")
    again.click()
    page.wait_for_selector("button.name")


def test_a_server_that_is_gone_is_said_to_be_and_comes_back(page: Page, scene: Path) -> None:
    page.route("**/predict/**", lambda route: route.abort())
    page.set_input_files("#file", scene)
    page.wait_for_selector("#alert:has-text('The server does not answer.')")
    page.unroute("**/predict/**")
    page.click("#alert button:has-text('Try again')")
    page.wait_for_selector("button.name")


def test_models_that_are_being_loaded_are_waited_for(
    open_page: OpenPage, server: str, expected: list[str]
) -> None:
    expected.append("Failed to load resource")
    page = open_page(f"{server}/static/favicon.svg", wait=False)
    asked = []

    def answer(route: Route) -> None:
        asked.append(1)
        if len(asked) > 2:
            route.continue_()
            return
        route.fulfill(status=503, body="{}")

    page.route("**/v2/health/ready", answer)
    page.goto(server)
    page.wait_for_selector("#status:has-text('The models are being loaded')")
    page.wait_for_selector("#status:has-text('Ready')")


def test_a_proxys_own_page_is_not_shown(page: Page, scene: Path) -> None:
    page.route("**/predict/**", lambda r: r.fulfill(status=413, body="<html>nginx</html>"))
    page.set_input_files("#file", scene)
    page.wait_for_selector("#alert:not([hidden])")
    said = page.inner_text("#alert")
    assert "413" in said
    assert "send a smaller copy" in said
    assert "nginx" not in said


def test_another_photo_ends_the_question_under_way(page: Page, scene: Path) -> None:
    waiting = list[Route]()
    page.route("**/predict/**", lambda route: waiting.append(route))
    page.set_input_files("#file", scene)
    page.wait_for_selector("#busy:not([hidden])")
    page.wait_for_timeout(200)
    page.unroute("**/predict/**")
    with page.expect_event("requestfailed", lambda request: "predict" in request.url):
        give(page, scene)
    settle(page)
    assert names(page)
    assert page.is_hidden("#alert")


def test_a_key_is_asked_for_and_kept_for_this_tab(
    open_page: OpenPage, keyed_server: str, expected: list[str]
) -> None:
    expected.append("Failed to load resource")
    page = open_page(f"{keyed_server}/static/favicon.svg", wait=False)
    page.goto(keyed_server)
    page.wait_for_selector("#key-dialog[open]")
    page.fill("#key", "a-wrong-key-of-letters")
    page.keyboard.press("Enter")
    page.wait_for_selector("#key-reason:has-text('not one of this server')")
    page.wait_for_selector("#key-dialog[open]")
    page.fill("#key", KEY)
    page.click("#key-form >> text=Go on")
    page.click(".sample >> nth=0")
    page.wait_for_selector("button.name")
    page.click("summary")
    command = page.inner_text("#curl")
    assert '-H "Authorization: Bearer $KEY"' in command
    assert KEY not in command
    page.reload()
    page.wait_for_selector("[data-tone=good]")
    page.click(".sample >> nth=1")
    page.wait_for_selector("button.name")
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_who_has_no_key_yet_may_look_around_and_is_asked_again(
    open_page: OpenPage, keyed_server: str, expected: list[str]
) -> None:
    expected.append("Failed to load resource")
    page = open_page(f"{keyed_server}/static/favicon.svg", wait=False)
    page.goto(keyed_server)
    page.wait_for_selector("#key-dialog[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#alert:has-text('This server wants an API key.')")
    page.click(".sample >> nth=0")
    page.fill("#key", KEY)
    page.keyboard.press("Enter")
    page.wait_for_selector("button.name")
    assert page.is_hidden("#alert")
