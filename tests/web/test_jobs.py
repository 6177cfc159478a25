"""A person with many photos: sent, followed, looked through, found again."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, Route, expect
from tests.integration.survey_material import save, scene
from tests.web.conftest import BLOBS, JOBS_KEY, OpenPage, running
from tests.web.driving import drawn_boxes, names

_PATIENCE = 60_000


@pytest.fixture(scope="module")
def flight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two transects of two photos each, and two files that are none."""
    folder = tmp_path_factory.mktemp("photos") / "flight 7"
    for number in range(4):
        name = f"{'north' if number % 2 else 'south'}/IMG_{number}.png"
        save(folder / name, scene(number, 320, 240))
    (folder / "Thumbs.db").write_bytes(b"no photo")
    (folder / "notes.txt").write_text("windy")
    return folder


@pytest.fixture
def page(open_page: OpenPage, blobs_server: str) -> Page:
    return open_page(blobs_server)


def sent(page: Page, folder: Path) -> str:
    """The id of the job that a chosen folder became."""
    page.set_input_files("#folder-file", folder)
    page.fill("#folder-tile", "300")
    page.click("#folder-start")
    page.wait_for_url("**#job=*")
    return page.url.partition("#job=")[2]


def many(folder: Path) -> Path:
    """A folder of photos that take a while."""
    for number in range(12):
        save(folder / "many" / f"{number}.png", scene(number, 600, 400))
    return folder / "many"


def done(page: Page) -> None:
    expect(page.locator("#survey")).to_be_visible(timeout=_PATIENCE)


def test_a_folder_becomes_one_job_that_is_followed_to_its_counts(page: Page, flight: Path) -> None:
    page.set_input_files("#folder-file", flight)
    assert page.input_value("#folder-name") == "flight 7"
    assert page.inner_text("#folder-facts").startswith("4 photos, ")
    assert page.inner_text("#folder-out") == "2 other files left out."
    assert page.input_value("#folder-tile") == "800"
    assert page.evaluate("document.activeElement.id") == "folder-title"
    page.click("#folder-start")
    page.wait_for_url("**#job=*")
    done(page)
    assert page.inner_text("#job-title") == "flight 7"
    assert page.inner_text("#survey-photos").startswith("4 photos looked at")
    assert "bright" in page.inner_text("#survey-counts")
    listed = page.locator("#table a").all_inner_texts()
    assert sorted(listed) == [f"{'north' if n % 2 else 'south'}/IMG_{n}.png" for n in (1, 3, 0, 2)]


def test_a_photo_of_a_job_is_shown_with_its_boxes_and_its_neighbours(
    page: Page, flight: Path
) -> None:
    sent(page, flight)
    done(page)
    page.select_option("#table-sort", "name")
    page.click("#table a >> nth=0")
    expect(page.locator("#of-job-count")).to_have_text("1 of 4")
    assert page.inner_text("#facts").startswith("north/IMG_1.png · 320")
    counted = sum(map(int, names(page).values()))
    assert drawn_boxes(page) == counted > 0
    expect(page.locator("#photo-before")).to_be_disabled()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#of-job-count")).to_have_text("2 of 4")
    page.reload()
    expect(page.locator("#facts")).to_contain_text("north/IMG_3.png")
    page.click("#of-job-link")
    expect(page.locator("#job-title")).to_have_text("flight 7")
    page.go_back()
    expect(page.locator("#facts")).to_contain_text("north/IMG_3.png")


def test_files_are_fetched_and_the_report_opens_beside(page: Page, flight: Path) -> None:
    sent(page, flight)
    done(page)
    with page.expect_download() as download:
        page.click("#survey-files a:has-text('Counts by photo')")
    assert download.value.suggested_filename == "counts.csv"
    with page.expect_popup() as opened:
        page.click("#survey-files a:has-text('Report')")
    opened.value.wait_for_load_state()
    assert "flight 7" in opened.value.title()


def test_an_address_shows_its_result_after_the_server_was_killed(
    open_page: OpenPage, flight: Path, tmp_path: Path, expected: list[str]
) -> None:
    expected.append("Failed to load resource")  # while it is away
    port = "--port"
    with running(tmp_path, BLOBS) as first:
        page = open_page(first)
        job = sent(page, flight)
        number = first.rpartition(":")[2]
        page.goto("about:blank")  # the tab is closed
    with running(tmp_path, BLOBS, port, number) as again:
        page.goto(f"{again}/#job={job}")
        done(page)
        assert page.inner_text("#job-title") == "flight 7"


@pytest.mark.slow
def test_a_page_that_stays_open_goes_on_when_the_server_is_back(
    open_page: OpenPage, tmp_path: Path, expected: list[str]
) -> None:
    expected.append("Failed to load resource")
    with running(tmp_path, BLOBS) as first:
        page = open_page(first)
        sent(page, many(tmp_path))
        number = first.rpartition(":")[2]
    expect(page.locator("#job-state")).to_contain_text("does not answer")
    with running(tmp_path, BLOBS, "--port", number):
        done(page)


def test_the_list_leads_to_each_job_and_says_how_it_is(page: Page, flight: Path) -> None:
    job = sent(page, flight)
    page.click("#jobs-link")
    first = page.locator("#jobs-list li >> nth=0")
    expect(first.locator("a")).to_have_attribute("href", f"#job={job}")
    expect(first.locator(".job-says")).to_contain_text("Done", timeout=_PATIENCE)
    first.locator("a").click()
    done(page)


def test_a_job_that_goes_on_is_cancelled_after_a_second_click(
    page: Page, tmp_path: Path, blobs_server: str
) -> None:
    job = sent(page, many(tmp_path))
    page.click("#job-cancel")
    expect(page.locator("#job-cancel")).to_contain_text("Really?")
    page.click("#job-cancel")
    expect(page.locator("#job-state")).to_have_text("It was cancelled.")
    expect(page.locator("#job-cancel")).to_be_hidden()
    assert httpx.get(f"{blobs_server}/jobs/{job}", verify=False).json()["state"] == "cancelled"


def test_what_stops_on_its_way_leaves_nothing_on_the_server(
    page: Page, flight: Path, blobs_server: str
) -> None:
    page.route("**/uploads/*?name=*", lambda route: None)  # it never arrives
    page.set_input_files("#folder-file", flight)
    with page.expect_response("**/uploads") as begun:
        page.click("#folder-start")
    expect(page.locator("#folder-sending")).to_be_visible()
    page.wait_for_timeout(200)
    page.click("#folder-stop")
    expect(page.locator("#folder-form")).to_be_visible()
    upload = json.loads(begun.value.body())["id"]
    assert httpx.get(f"{blobs_server}/uploads/{upload}", verify=False).status_code == 404


def test_a_busy_server_gets_the_photos_a_little_later(
    page: Page, flight: Path, expected: list[str]
) -> None:
    expected.append("Failed to load resource")
    refusals = iter(range(2))

    def once(route: Route) -> None:
        if next(refusals, None) is None:
            route.continue_()
        else:
            body = json.dumps({"error": "the server is full", "code": "too-busy", "hint": ""})
            route.fulfill(status=429, body=body, headers={"Retry-After": "1"})

    page.route("**/uploads/*?name=*", once)
    sent(page, flight)
    done(page)
    assert page.inner_text("#survey-photos").startswith("4 photos looked at")


def test_an_unknown_job_says_so(page: Page, blobs_server: str, expected: list[str]) -> None:
    expected.append("Failed to load resource")
    page.goto(f"{blobs_server}/#job=0123")
    expect(page.locator("#job-state")).to_have_text("There is no such job here.")


def test_a_job_of_one_photo_shows_it_with_its_boxes(
    open_page: OpenPage, blobs_server: str, flight: Path
) -> None:
    photo = flight / "south" / "IMG_0.png"
    files = {"image": ("IMG_0.png", photo.read_bytes())}
    job = httpx.post(f"{blobs_server}/jobs/blobs", files=files, verify=False).json()["id"]
    page = open_page(f"{blobs_server}/#job={job}")
    expect(page.locator("#result")).to_be_visible()
    assert page.inner_text("#facts").startswith("IMG_0.png · 320")
    assert drawn_boxes(page) > 0
    assert page.get_attribute("#of-job-link", "href") == "#jobs"


def test_a_large_photo_can_be_looked_at_tile_by_tile(page: Page, tmp_path: Path) -> None:
    with page.expect_response("**/predict/**"):
        page.set_input_files("#file", save(tmp_path / "large.png", scene(3, 1700, 900)))
    page.click("#closer")
    assert page.inner_text("#folder-facts").startswith("1 photo, ")
    page.click("#folder-start")
    page.wait_for_url("**#job=*")
    done(page)
    assert page.locator("#table a").all_inner_texts() == ["large.png"]


def test_a_small_photo_offers_no_closer_look(page: Page, flight: Path) -> None:
    with page.expect_response("**/predict/**"):
        page.set_input_files("#file", flight / "north" / "IMG_1.png")
    page.wait_for_selector("#busy", state="hidden")
    expect(page.locator("#closer")).to_be_hidden()


def test_the_server_says_what_its_memory_is_for(page: Page) -> None:
    page.click("#server-link")
    expect(page.locator("#server-memory")).to_contain_text("of memory are spoken for")
    expect(page.locator("#server-facts")).to_contain_text("Jobs that wait")
    expect(page.locator("#server-models")).to_contain_text("blobs@1")


def test_a_new_photo_leaves_the_job_and_back_leads_to_it(page: Page, flight: Path) -> None:
    sent(page, flight)
    done(page)
    with page.expect_response("**/predict/**"):
        page.set_input_files("#file", flight / "north" / "IMG_1.png")
    expect(page.locator("#result")).to_be_visible()
    assert "#job" not in page.url
    expect(page.locator("#of-job")).to_be_hidden()
    page.go_back()
    expect(page.locator("#job-title")).to_have_text("flight 7")


def test_a_key_reaches_jobs_photos_and_files(
    open_page: OpenPage, flight: Path, keyed_server: str, expected: list[str]
) -> None:
    expected.append("Failed to load resource")
    page = open_page(keyed_server, wait=False)
    page.fill("#key", JOBS_KEY)
    page.click("#key-form button[type=submit]")
    page.wait_for_selector("[data-tone=good]")
    sent(page, flight)
    done(page)
    with page.expect_download() as download:
        page.click("#survey-files a:has-text('Report')")
    assert download.value.suggested_filename == "report.html"
    page.click("#table a >> nth=0")
    expect(page.locator("#of-job-count")).to_have_text("1 of 4")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(
    open_page: OpenPage, blobs_server: str, flight: Path, scheme: str
) -> None:
    page = open_page(blobs_server, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page.set_input_files("#folder-file", flight)
    wide = "document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(wide)
    page.click("#folder-start")
    page.wait_for_url("**#job=*")
    done(page)
    assert page.evaluate(wide)
    for link in ("#jobs-link", "#server-link"):
        page.click(link)
        page.wait_for_timeout(200)
        assert page.evaluate(wide)
