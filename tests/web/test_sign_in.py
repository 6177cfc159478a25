"""People sign in on the page, and out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page
from tests.web.conftest import BLOBS, COMMAND, OpenPage, running
from tests.web.test_access import CONTRASTS, READABLE

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class SignInServer:
    """A server whose accounts are ada's and nobody else's."""

    address: str
    folder: Path

    def command(self, *words: str, typed: str = "") -> None:
        account_command(self.folder, *words, typed=typed)


def account_command(folder: Path, *words: str, typed: str = "") -> None:
    subprocess.run(
        [str(COMMAND), *words, "--state", str(folder / "state")],
        input=typed,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignInServer]:
    folder = tmp_path_factory.mktemp("accounts")
    account_command(folder, "user", "add", "ada", "--password-stdin", typed=PASSWORD)
    with running(folder, BLOBS) as address:
        yield SignInServer(address, folder)


@pytest.fixture
def page(open_page: OpenPage, server: SignInServer) -> Page:
    """The page of nobody yet, which asks at once."""
    page = open_page(server.address, wait=False)
    page.wait_for_selector("#signin-dialog[open]")
    return page


def sign_in(page: Page, password: str = PASSWORD) -> None:
    page.fill("#user", "ada")
    page.fill("#password", password)
    page.keyboard.press("Enter")


def test_who_signs_in_works_on_and_stays_signed_in(page: Page) -> None:
    assert page.is_hidden("#key-dialog")
    assert page.evaluate("document.activeElement.id") == "user"
    sign_in(page)
    page.wait_for_selector("[data-tone=good]")
    assert page.inner_text("#person-name") == "ada"
    page.click(".sample >> nth=0")
    page.wait_for_selector("button.name")
    page.click("summary")
    assert '-H "Authorization: Bearer $KEY"' in page.inner_text("#curl")
    page.reload()
    page.wait_for_selector("[data-tone=good]")
    assert page.is_hidden("#signin-dialog")
    assert page.inner_text("#person-name") == "ada"
    # Nothing of it is within a script's reach.
    assert page.evaluate("document.cookie + JSON.stringify([localStorage, sessionStorage])") == (
        "[{},{}]"
    )


def test_a_wrong_password_is_told_in_a_sentence(page: Page, expected: list[str]) -> None:
    expected.append("Failed to load resource")
    sign_in(page, "not her password")
    page.wait_for_selector("#signin-fault:not([hidden])")
    said = page.inner_text("#signin-fault")
    assert said.startswith("User name and password do not belong together.")
    assert "{" not in said
    sign_in(page)
    page.wait_for_selector("[data-tone=good]")
    assert page.is_hidden("#signin-dialog")


def test_who_signs_out_is_asked_again(page: Page) -> None:
    sign_in(page)
    page.wait_for_selector("[data-tone=good]")
    page.click("#sign-out")
    page.wait_for_selector("#signin-dialog[open]")
    assert page.is_hidden("#person")
    assert page.input_value("#password") == ""


def test_a_session_that_was_ended_meanwhile_leads_to_the_form(
    page: Page, server: SignInServer, expected: list[str]
) -> None:
    expected.append("Failed to load resource")
    sign_in(page)
    page.wait_for_selector("[data-tone=good]")
    server.command("user", "password", "ada", "--password-stdin", typed=PASSWORD)
    page.wait_for_timeout(2500)
    page.click(".sample >> nth=0")
    page.wait_for_selector("#signin-dialog[open]")
    assert page.inner_text("#signin-reason").startswith("You were signed out meanwhile.")
    sign_in(page)
    page.wait_for_selector("button.name")


def test_who_does_not_sign_in_can_do_so_later(page: Page) -> None:
    page.keyboard.press("Escape")
    page.wait_for_selector("#alert:has-text('You are not signed in.')")
    page.click("#alert >> text=Try again")
    page.wait_for_selector("#signin-dialog[open]")
    sign_in(page)
    page.wait_for_selector("[data-tone=good]")


def test_another_tab_that_signed_in_anew_does_not_break_this_one(
    page: Page, server: SignInServer, expected: list[str]
) -> None:
    expected.append("Failed to load resource")
    sign_in(page)
    page.wait_for_selector("[data-tone=good]")
    given = {"user": "ada", "password": PASSWORD}
    page.request.post(f"{server.address}/session", data=given)
    with page.expect_response("**/predict/**"):
        page.click(".sample >> nth=0")
    page.wait_for_selector("button.name")


def test_the_form_is_for_password_managers_and_every_eye(page: Page) -> None:
    assert page.get_attribute("#user", "autocomplete") == "username"
    assert page.get_attribute("#password", "autocomplete") == "current-password"
    texts = page.evaluate(CONTRASTS)
    assert [text for text in texts if text[1] < READABLE] == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
