"""Every error has a status, and a body of one form."""

from __future__ import annotations

import asyncio
import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from haversack.asgi.errors import error_response, exception_handlers
from haversack.errors import HaversackError, Kind, RetryLaterError


def test_an_error_is_a_sentence_a_code_and_a_hint() -> None:
    error = HaversackError("some-code", "it is 5; 4 is allowed", hint="Send 4.", details=("a", "b"))
    answer = error_response(error, "0123")
    assert json.loads(bytes(answer.body)) == {
        "error": "it is 5; 4 is allowed",
        "code": "some-code",
        "hint": "Send 4.",
        "details": ["a", "b"],
        "request_id": "0123",
    }
    assert answer.headers["content-type"] == "application/json"


def test_who_is_to_come_again_is_told_when() -> None:
    answer = error_response(RetryLaterError("full", retry_after_seconds=7), "")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_who_needs_a_key_is_told_how_to_show_it() -> None:
    answer = error_response(HaversackError("some-code", "x", kind=Kind.UNAUTHENTICATED), "")
    assert answer.headers["www-authenticate"] == "Bearer"
    forbidden = error_response(HaversackError("some-code", "x", kind=Kind.FORBIDDEN), "")
    assert "www-authenticate" not in forbidden.headers


def told(method: str, path: str) -> tuple[int, dict[str, str], dict[str, str]]:
    """Status, headers and JSON of an application whose routes fail in every way."""

    async def fail(request: Request) -> Response:
        raise HaversackError("some-code", "as asked", kind=Kind.CONFLICT)

    async def slip(request: Request) -> Response:
        raise RuntimeError("the secret")

    app = Starlette(
        routes=[Route("/fail", fail), Route("/slip", slip)],
        exception_handlers=exception_handlers(),
    )
    sent: list[Message] = []

    async def main() -> None:
        async def receive() -> Message:
            return {"type": "http.request"}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [],
            "query_string": b"",
            "request_id": "0123",
        }
        try:
            await app(scope, receive, send)
        except RuntimeError:
            assert path == "/slip"  # for the log, after the answer

    asyncio.run(main())
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    body = json.loads(b"".join(one.get("body", b"") for one in sent[1:]))
    return sent[0]["status"], headers, body


def test_what_a_route_raises_is_answered_in_the_same_form() -> None:
    status, _, body = told("GET", "/fail")
    assert (status, body["error"], body["request_id"]) == (409, "as asked", "0123")


def test_our_own_mistake_is_500_and_keeps_its_secret() -> None:
    status, _, body = told("GET", "/slip")
    assert (status, body["code"]) == (500, "server-fault")
    assert "secret" not in json.dumps(body)
    assert "0123" in body["hint"]


def test_no_route_and_no_method_are_sentences() -> None:
    status, _, body = told("GET", "/nothing")
    assert (status, body["code"]) == (404, "not-found")
    assert body["error"] == "there is nothing at /nothing"
    status, headers, body = told("POST", "/fail")
    assert (status, body["code"]) == (405, "method-not-allowed")
    assert set(headers["allow"].split(", ")) == {"GET", "HEAD"}
