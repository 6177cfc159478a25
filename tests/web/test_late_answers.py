"""What a person asked for last is what they see, whatever answers when."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect
from tests.integration.survey_material import save, scene
from tests.web.conftest import OpenPage
from tests.web.driving import drawn_boxes, names, settle

NAMES = ("a.png", "b.png", "c.png", "d.png")
SETTLED_MS = 300


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos") / "flight"
    for number, name in enumerate(NAMES):
        save(folder / name, scene(number, 320, 240))
    return folder


@pytest.fixture(scope="module")
def survey(blobs_server: str, photos: Path) -> str:
    """The id of a survey of the four photos, done."""
    return surveyed(blobs_server, photos)


def surveyed(address: str, photos: Path, name: str = "flight") -> str:
    upload = httpx.post(f"{address}/uploads", verify=False).json()["id"]
    for photo in sorted(photos.iterdir()):
        sent = httpx.post(
            f"{address}/uploads/{upload}?name={photo.name}",
            content=photo.read_bytes(),
            verify=False,
        )
        assert sent.is_success
    asked = {"upload": upload, "name": name, "tile": "300"}
    job: str = httpx.post(f"{address}/jobs/blobs", params=asked, verify=False).json()["id"]
    with httpx.stream("GET", f"{address}/jobs/{job}/events", timeout=60, verify=False) as events:
        events.read()
    assert httpx.get(f"{address}/jobs/{job}", verify=False).json()["state"] == "done"
    return job


@pytest.fixture
def page(open_page: OpenPage, blobs_server: str) -> Page:
    return open_page(blobs_server)


class Held:
    """Requests that match are not answered before `release`; by then the page may have ended them.

    A route that is added later goes before.
    """

    def __init__(self, page: Page, pattern: str | re.Pattern[str], *, first: bool = False) -> None:
        self._page = page
        self._first = first
        self.routes: list[Route] = []
        page.route(pattern, self._keep)

    def _keep(self, route: Route) -> None:
        if self._first and self.routes:
            route.continue_()
        else:
            self.routes.append(route)

    def wait(self, count: int = 1) -> None:
        """Until so many have come."""
        for _ in range(200):
            if len(self.routes) >= count:
                return
            self._page.wait_for_timeout(25)
        raise AssertionError(f"{len(self.routes)} of {count} requests came")

    def release(self, **answer: Any) -> None:
        """Let them be answered, and the page do with it what it does."""
        for route in self.routes:
            if answer:
                route.fulfill(**answer)
            else:
                route.continue_()
        self._page.wait_for_timeout(SETTLED_MS)
        settle(self._page)


def go(page: Page, place: str) -> None:
    page.evaluate("(place) => { location.hash = place; }", place)


def facts(page: Page) -> str:
    return page.inner_text("#facts").partition(" · ")[0]


def test_the_photo_that_was_clicked_last_is_seen(page: Page, survey: str) -> None:
    go(page, f"job={survey}")
    expect(page.locator("#survey")).to_be_visible()
    slow = Held(page, re.compile(r"/photo\?name=a\.png"))
    go(page, f"job={survey}&photo=a.png")
    slow.wait()
    go(page, f"job={survey}&photo=b.png")
    expect(page.locator("#facts")).to_contain_text("b.png")
    slow.release()
    assert facts(page) == "b.png"
    assert page.inner_text("#of-job-count") == count_of(page, "b.png")
    assert drawn_boxes(page) == sum(map(int, names(page).values()))


def count_of(page: Page, name: str) -> str:
    listed = page.locator("#table a").all_text_contents()
    return f"{listed.index(name) + 1} of {len(listed)}"


@pytest.mark.parametrize("what", ["results.jsonl", "photos.json"])
def test_a_photo_of_a_job_does_not_come_over_what_was_opened_since(
    page: Page, survey: str, what: str
) -> None:
    slow = Held(page, f"**/files/{what}")
    go(page, f"job={survey}&photo=a.png")
    slow.wait()
    page.click("#jobs-link")
    expect(page.locator("#jobs")).to_be_visible()
    slow.release()
    expect(page.locator("#jobs")).to_be_visible()
    expect(page.locator("#alert")).to_be_hidden()


def test_a_photo_of_a_job_does_not_come_over_a_photo_that_was_given_since(
    page: Page, survey: str, photos: Path
) -> None:
    slow = Held(page, re.compile(r"/photo\?name=a\.png"))
    go(page, f"job={survey}&photo=a.png")
    slow.wait()
    with page.expect_response("**/predict/**"):
        page.set_input_files("#file", photos / "c.png")
    settle(page)
    slow.release()
    assert facts(page) == "c.png"
    expect(page.locator("#of-job")).to_be_hidden()


def test_a_refusal_that_comes_late_is_not_said_of_the_next_photo(
    page: Page, survey: str, expected: list[str]
) -> None:
    expected.append("Failed to load resource")
    slow = Held(page, re.compile(r"/photo\?name=a\.png"))
    go(page, f"job={survey}&photo=a.png")
    slow.wait()
    go(page, f"job={survey}&photo=b.png")
    expect(page.locator("#facts")).to_contain_text("b.png")
    slow.release(status=500, body=json.dumps({"error": "broken", "code": "x", "hint": ""}))
    expect(page.locator("#alert")).to_be_hidden()


def test_a_model_chosen_meanwhile_says_nothing_of_a_jobs_photo(
    open_page: OpenPage, two_models: str, photos: Path
) -> None:
    """Its question was about the photo before."""
    job = surveyed(two_models, photos)
    page = open_page(two_models)
    with page.expect_response("**/predict/**"):
        page.set_input_files("#file", photos / "a.png")
    settle(page)
    photo = Held(page, re.compile(r"/photo\?name=b\.png"))
    answer = Held(page, "**/predict/**")
    go(page, f"job={job}&photo=b.png")
    photo.wait()
    page.click("#model-button")
    page.click("label.model:has-text('spots')")
    answer.wait()
    photo.release()
    expect(page.locator("#facts")).to_contain_text("b.png")
    said = page.inner_text("#facts"), names(page)
    answer.release(status=200, body=json.dumps(record_of("spots")))
    assert (page.inner_text("#facts"), names(page)) == said


def record_of(pack: str) -> dict[str, Any]:
    box = {"label": "dark", "class_id": 1, "score": 0.9, "box": [1, 1, 9, 9]}
    facts = {"image": "a.png", "width": 320, "height": 240, "pack": pack, "version": "1"}
    return {**facts, "status": "done", "task": "detect", "detections": [box]}


def test_a_button_acts_on_the_job_that_is_seen(
    page: Page, blobs_server: str, survey: str, expected: list[str]
) -> None:
    """What was found in another job comes late, and is not kept as the job at hand."""
    expected.append("Failed to load resource")
    slow = Held(page, "**/files/photos.json")
    go(page, f"job={survey}")
    slow.wait()
    job = fake_job("other", state="running")
    page.route("**/jobs/other", lambda route: route.fulfill(status=200, body=json.dumps(job)))
    go(page, "job=other")
    expect(page.locator("#job-title")).to_have_text("the other")
    page.wait_for_timeout(50)
    cancelled = list[str]()
    page.on(
        "request", lambda asked: cancelled.append(asked.url) if asked.method == "DELETE" else None
    )
    slow.release()
    page.route("**/jobs/other", lambda route: route.abort())
    page.click("#job-cancel")
    page.click("#job-cancel")
    page.wait_for_timeout(SETTLED_MS)
    assert cancelled == [f"{blobs_server}/jobs/other"]


def fake_job(job: str, *, state: str) -> dict[str, Any]:
    return {
        "id": job,
        "state": state,
        "kind": "survey",
        "pack": "blobs",
        "version": "1",
        "image": f"the {job}",
        "photos": 4,
        "position": None,
        "progress": {"done": 1, "total": 4},
        "eta_seconds": None,
        "created": "2026-11-27T00:00:00Z",
        "started": "2026-11-27T00:00:00Z",
        "finished": None,
        "attempts": 1,
        "error": None,
        "links": {"self": "", "events": "", "result": None, "photo": None},
    }


def test_a_change_of_a_job_does_not_lead_back_to_it(page: Page) -> None:
    failed = json.dumps(fake_job("one", state="failed"))
    page.route("**/jobs/one", lambda route: route.fulfill(status=200, body=failed))
    slow = Held(page, "**/jobs/one/retry")
    go(page, "job=one")
    page.click("#job-retry")
    slow.wait()
    page.click("#server-link")
    expect(page.locator("#server")).to_be_visible()
    slow.release(status=200, body=failed)
    expect(page.locator("#server")).to_be_visible()
    expect(page.locator("#job")).to_be_hidden()


def test_more_jobs_that_come_late_are_listed_once(page: Page) -> None:
    first = [fake_job(f"first{n}", state="cancelled") for n in range(2)]
    later = [fake_job(f"later{n}", state="cancelled") for n in range(2)]
    answers = {"first": {"jobs": first, "next": "first1"}, "later": {"jobs": later, "next": None}}

    def answer(route: Route) -> None:
        route.fulfill(status=200, body=json.dumps(answers["first"]))

    page.route(re.compile(r"/jobs\?limit=50$"), answer)
    slow = Held(page, re.compile(r"/jobs\?limit=50&after="))
    page.click("#jobs-link")
    page.click("#jobs-more")
    slow.wait()
    expect(page.locator("#jobs-more")).to_be_disabled()
    page.click("#server-link")
    expect(page.locator("#server")).to_be_visible()
    page.click("#jobs-link")
    expect(page.locator("#jobs-more")).to_be_enabled()
    slow.release(status=200, body=json.dumps(answers["later"]))
    listed = page.locator("#jobs-list a")
    assert listed.all_text_contents() == ["the first0", "the first1"]
    page.route(re.compile(r"/jobs\?limit=50$"), answer)
    done = json.dumps(answers["later"])
    page.route(re.compile(r"&after="), lambda route: route.fulfill(status=200, body=done))
    page.click("#jobs-more")
    expect(listed).to_have_count(4)
    expect(page.locator("#jobs-more")).to_be_hidden()


def test_an_older_list_of_models_does_not_come_over_a_newer_one(
    page: Page, blobs_server: str
) -> None:
    old = httpx.get(f"{blobs_server}/packs", verify=False).json()
    new = {"packs": [*old["packs"], {**old["packs"][0], "name": "brand-new"}]}
    slow = Held(page, "**/packs", first=True)
    refresh(page)
    slow.wait()
    page.route("**/packs", lambda route: route.fulfill(status=200, body=json.dumps(new)))
    refresh(page)
    expect(page.locator("label.model")).to_have_count(2)
    slow.release(status=200, body=json.dumps(old))
    assert page.locator("label.model").count() == 2
    assert page.inner_text("#status-text") == "Ready, 2 models"


def test_a_newer_question_that_fails_does_not_lose_the_older_answer(
    page: Page, blobs_server: str, expected: list[str]
) -> None:
    expected.append("Failed to load resource")
    old = httpx.get(f"{blobs_server}/packs", verify=False).json()
    new = {"packs": [*old["packs"], {**old["packs"][0], "name": "brand-new"}]}
    slow = Held(page, "**/packs", first=True)
    refresh(page)
    slow.wait()
    page.route("**/packs", lambda route: route.abort())
    refresh(page)
    slow.release(status=200, body=json.dumps(new))
    expect(page.locator("label.model")).to_have_count(2)


def refresh(page: Page) -> None:
    """The list of models is fetched each time that the menu opens."""
    with page.expect_request("**/packs"):
        page.click("#model-button")
    page.keyboard.press("Escape")


def test_an_older_word_on_who_asks_does_not_come_over_a_newer_one(page: Page) -> None:
    who = {"sign_in": True, "scopes": ["infer"]}
    nobody = {**who, "name": None, "csrf_token": None}
    ada = {**who, "name": "ada", "csrf_token": "t"}
    slow = Held(page, "**/session", first=True)
    learn = "import('/static/signin.js').then((m) => { void m.learnWho(); })"
    page.evaluate(learn)
    slow.wait()
    page.route("**/session", lambda route: route.fulfill(status=200, body=json.dumps(ada)))
    page.evaluate(learn)
    expect(page.locator("#person-name")).to_have_text("ada")
    slow.release(status=200, body=json.dumps(nobody))
    assert page.inner_text("#person-name") == "ada"


def test_photos_that_have_been_sent_do_not_lead_away_from_another_place(
    page: Page, photos: Path
) -> None:
    page.set_input_files("#folder-file", photos)
    slow = Held(page, re.compile(r"/jobs/blobs/versions/1\?"))
    page.click("#folder-start")
    slow.wait()
    page.click("#server-link")
    expect(page.locator("#server")).to_be_visible()
    slow.release()
    expect(page.locator("#server")).to_be_visible()
    expect(page.locator("#alert")).to_contain_text("The photos are sent")


def drop_slow_folder(page: Page) -> None:
    """A folder of two photos, which is listed when `listIt()` is called."""
    script = """() => {
        const photo = (name) => ({
            isFile: true,
            isDirectory: false,
            fullPath: `/flight/${name}`,
            file: (done) => done(new File(["x"], name, { type: "image/png" })),
        });
        const rounds = [[photo("a.png"), photo("b.png")], []];
        const readEntries = (done) => {
            if (rounds.length === 1) return done(rounds.pop());
            window.listIt = () => done(rounds.shift());
        };
        const createReader = () => ({ readEntries });
        const folder = { isFile: false, isDirectory: true, createReader };
        const event = new Event("drop", { bubbles: true, cancelable: true });
        const items = [{ webkitGetAsEntry: () => folder }];
        Object.defineProperty(event, "dataTransfer", { value: { items, files: [], types: [] } });
        document.querySelector("main").dispatchEvent(event);
    }"""
    page.evaluate(script)


def list_it(page: Page) -> None:
    """Until whatever follows from it has been done."""
    page.evaluate("() => { listIt(); return new Promise((done) => setTimeout(done, 50)); }")


@pytest.mark.parametrize("since", ["photo", "sample", "jobs", "folder"])
def test_a_dropped_folder_that_is_listed_late_does_not_come_over_what_was_opened_since(
    page: Page, photos: Path, since: str
) -> None:
    drop_slow_folder(page)
    if since == "jobs":
        page.click("#jobs-link")
        expect(page.locator("#jobs")).to_be_visible()
    elif since == "folder":
        page.set_input_files("#folder-file", photos)
        expect(page.locator("#folder")).to_contain_text("4 photos")
    else:
        with page.expect_response("**/predict/**"):
            if since == "photo":
                page.set_input_files("#file", photos / "c.png")
            else:
                page.locator("#samples button").first.click()
        settle(page)
    list_it(page)
    if since == "folder":
        expect(page.locator("#folder")).to_contain_text("4 photos")
    else:
        expect(page.locator("#folder")).to_be_hidden()
    # Where nothing was opened since, it is what is seen.
    drop_slow_folder(page)
    list_it(page)
    expect(page.locator("#folder")).to_contain_text("2 photos")
