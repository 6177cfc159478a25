"""For every hand, eye and screen: keyboard, contrast, phone, dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page
from tests.web.conftest import OpenPage
from tests.web.driving import drawn_boxes, give, names, settle

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
READABLE = 4.5  # WCAG 2.1, 1.4.3
FOCUSED = "(document.activeElement.id || document.activeElement.className)"
CONTRASTS = """() => {
    const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
        .getContext("2d", { willReadFrequently: true });
    const light = (colours) => {
        context.clearRect(0, 0, 1, 1);
        for (const colour of colours) {
            context.fillStyle = colour;
            context.fillRect(0, 0, 1, 1);
        }
        const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((level) =>
            level / 255 <= 0.04045 ? level / 255 / 12.92 : ((level / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const grounds = (element) => element
        ? [...grounds(element.parentElement), getComputedStyle(element).backgroundColor] : [];
    const texts = [...document.querySelectorAll("body *")].filter((element) =>
        element.checkVisibility({ visibilityProperty: true }) &&
        !element.closest(".unseen, :disabled, label:has(:disabled), .tooltip") &&
        [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
    return texts.map((element) => {
        const under = grounds(element);
        const [a, b] = [light(under), light([...under, getComputedStyle(element).color])];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        return [element.textContent.trim().slice(0, 40), ratio];
    });
}"""


def test_the_keyboard_alone_leads_from_the_start_to_one_name(
    open_page: OpenPage, server: str
) -> None:
    page = open_page(f"{server}/#model=blobs")
    page.wait_for_selector(".sample")
    for wanted in (
        *("skip", "brand", "model-button", "jobs-link", "server-link", "help-button"),
        *("choose", "choose-folder", "sample"),
    ):
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED) == wanted
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_selector("button.name")
    _tab_to(page, "name")
    page.keyboard.press("Space")
    chosen = page.evaluate("document.activeElement.dataset.label")
    assert drawn_boxes(page) == int(names(page)[chosen])
    page.keyboard.press("3")
    assert drawn_boxes(page) == 0
    page.keyboard.press("Escape")
    assert page.is_checked("input[value=all]")
    page.keyboard.press("n")
    assert "1 of " in page.inner_text("#said")
    assert page.is_visible("#tooltip")


def test_a_model_is_chosen_with_the_keyboard(open_page: OpenPage, server: str) -> None:
    page = open_page(f"{server}/#model=blobs")
    page.keyboard.press("m")
    page.wait_for_selector("#model-menu:popover-open")
    assert page.evaluate("document.activeElement.value") == "blobs@1"
    page.keyboard.press("ArrowDown")
    assert page.is_visible("#model-menu")
    page.keyboard.press("Enter")
    assert page.is_hidden("#model-menu")
    assert page.inner_text("#model-name") != "blobs"
    assert page.evaluate(FOCUSED) == "model-button"


def test_help_lists_the_shortcuts_and_lets_them_rest(
    open_page: OpenPage, server: str, dog: Path
) -> None:
    page = open_page(f"{server}/#model=yolox-nano")
    give(page, dog)
    page.keyboard.press("?")
    assert page.is_visible("#help-dialog")
    assert page.locator("#shortcuts dt").count() >= 14
    page.uncheck("#shortcuts-on")
    page.keyboard.press("Escape")
    assert page.is_hidden("#help-dialog")
    page.keyboard.press("3")
    assert drawn_boxes(page) == 3


def test_a_phone_never_scrolls_sideways(open_page: OpenPage, server: str, dog: Path) -> None:
    page = open_page(f"{server}/#model=yolox-nano", **PHONE)
    assert _overflow(page) <= 0
    give(page, dog)
    assert _overflow(page) <= 0
    stage = page.locator("#stage").bounding_box()
    panel = page.locator(".panel").bounding_box()
    assert stage
    assert panel
    assert panel["y"] > stage["y"] + stage["height"]
    page.tap("button.name >> nth=0")
    assert drawn_boxes(page) == 1
    page.tap("#model-button")
    assert _overflow(page) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out(
    open_page: OpenPage, server: str, dog: Path, tmp_path: Path, scheme: str
) -> None:
    page = open_page(f"{server}/#model=yolox-nano", color_scheme=scheme)
    page.wait_for_selector(".sample")
    texts = page.evaluate(CONTRASTS)
    page.set_input_files("#file", dog)
    page.wait_for_selector("button.name")
    page.click("button.name >> nth=0")
    page.click("summary")
    texts += page.evaluate(CONTRASTS)
    page.keyboard.press("?")
    texts += page.evaluate(CONTRASTS)
    assert len(texts) > 40
    assert [text for text in texts if text[1] < READABLE] == []
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (light == "rgb(247, 246, 242)") == (scheme == "light")
    page.screenshot(path=tmp_path / f"{scheme}.png")


def test_every_control_has_a_name(open_page: OpenPage, server: str, dog: Path) -> None:
    page = open_page(f"{server}/#model=yolox-nano")
    give(page, dog)
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, summary, [role=img]")].filter((e) =>
            !(e.ariaLabel || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML)"""
    )
    assert nameless == []


def _tab_to(page: Page, class_name: str) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == class_name:
            return
    raise AssertionError(f"the Tab key never reaches {class_name}")


def _overflow(page: Page) -> int:
    settle(page)
    width: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return width
