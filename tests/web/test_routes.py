"""The page's routes, without a browser."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from haversack.web.page import routes
from haversack.web.samples import SampleShelf

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


Get = Callable[..., httpx.Response]


@pytest.fixture
def get(tmp_path: Path) -> Get:
    """`get("/", {"Accept": "*/*"})`."""
    (tmp_path / "a photo.png").write_bytes(b"png")
    pages = routes(SampleShelf(tmp_path), lambda _: contextlib.nullcontext())
    transport = httpx.ASGITransport(Starlette(routes=pages))

    async def ask(path: str, headers: Mapping[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get(path, headers=headers)

    def call(path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        # On a thread of its own: the browser of the other tests has the loop of this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(ask(path, headers or {}))).result()

    return call


def test_a_browser_gets_the_page_under_a_strict_policy(get: Get) -> None:
    answer = get("/", BROWSER)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("default-src 'none';")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-cache"


def test_a_program_gets_kserves_liveness(get: Get) -> None:
    answer = get("/", {"Accept": "*/*"})
    assert answer.text == '{"status":"alive"}'
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("file", "media_type"),
    [
        ("main.js", "text/javascript; charset=utf-8"),
        ("base.css", "text/css; charset=utf-8"),
        ("tasks/table.js", "text/javascript; charset=utf-8"),
        ("favicon.svg", "image/svg+xml"),
    ],
)
def test_files_have_their_type_and_are_revalidated(get: Get, file: str, media_type: str) -> None:
    answer = get(f"/static/{file}")
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "no-cache"
    again = get(f"/static/{file}", {"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_nothing_beside_the_files_is_served(get: Get) -> None:
    for path in ("/static/../page.py", "/static/%2e%2e/page.py", "/static/", "/static/none.js"):
        assert get(path).status_code == 404


def test_samples_are_listed_and_given(get: Get) -> None:
    rows = get("/samples").json()["samples"]
    assert rows == [{"name": "a photo", "url": "/samples/a%20photo.png"}]
    answer = get(rows[0]["url"])
    assert (answer.content, answer.headers["content-type"]) == (b"png", "image/png")
    again = get(rows[0]["url"], {"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert get("/samples/other.png").status_code == 404
