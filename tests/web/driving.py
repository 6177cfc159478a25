"""What the tests do with a page again and again."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page

from haversack.formats.overlay import colour_of


def give(page: Page, photo: Path) -> None:
    """Choose a file, and wait for the answer."""
    with page.expect_response("**/predict/**"):
        page.set_input_files("#file", photo)
    settle(page)


def settle(page: Page) -> None:
    """Until an answer is shown, and drawn."""
    page.wait_for_selector("#busy", state="hidden")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)))")


def choose_model(page: Page, name: str) -> None:
    page.click("#model-button")
    with page.expect_response("**/predict/**"):
        page.click(f"label.model:has-text('{name}')")
    settle(page)


def names(page: Page) -> dict[str, str]:
    """The list at the right: name to count or share."""
    rows = page.locator("button.name")
    return {
        rows.nth(i).locator(".name-label").inner_text(): rows.nth(i)
        .locator(".name-value")
        .inner_text()
        for i in range(rows.count())
    }


def pixels_of(page: Page, class_id: int, canvas: str = "#found-layer") -> int:
    """How many pixels of a canvas have exactly that class's colour."""
    script = """([selector, [red, green, blue]]) => {
        const canvas = document.querySelector(selector);
        const { width, height } = canvas;
        // A copy: what is read back often is kept out of the graphics card, and said to be slow.
        const copy = Object.assign(document.createElement("canvas"), { width, height })
            .getContext("2d", { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(0, 0, width, height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4)
            if (data[i] === red && data[i + 1] === green && data[i + 2] === blue && data[i + 3])
                count++;
        return count;
    }"""
    settle(page)
    count: int = page.evaluate(script, [canvas, list(colour_of(class_id))])
    return count


def drawn_boxes(page: Page) -> int:
    settle(page)
    return int(page.get_attribute("#found-layer", "data-drawn") or "0")


def hand_over(page: Page, kind: str, photo: Path) -> None:
    """Drop a file on the page, or paste it."""
    data = base64.b64encode(photo.read_bytes()).decode()
    script = """async ([kind, name, data]) => {
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        const files = new DataTransfer();
        files.items.add(new File([bytes], name, { type: "image/jpeg" }));
        const event = kind === "drop"
            ? new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: files, bubbles: true });
        document.querySelector("main").dispatchEvent(event);
    }"""
    with page.expect_response("**/predict/**"):
        page.evaluate(script, [kind, photo.name, data])
    settle(page)


def drop_path(page: Page, path: Path) -> None:
    """Drop a file or folder of this machine on the page, as a person's hand does."""
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": 400, "y": 300, "data": data})
    devtools.detach()


def answer_with(page: Page, record: dict[str, Any]) -> None:
    """Let every question of the page be answered with that record."""
    body = json.dumps(record)
    page.route("**/predict/**", lambda route: route.fulfill(status=200, body=body))


def save_photo(page: Page) -> Image.Image:
    """What the button gives."""
    with page.expect_download() as download:
        page.click("#save-shown")
    with Image.open(download.value.path()) as photo:
        return photo.convert("RGB")
