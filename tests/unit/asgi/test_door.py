"""Every request gets an id and its headers, whether it is let in or not."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from haversack.asgi.access import LOOPBACK, AccessRules
from haversack.asgi.door import Door, DoorOptions, new_request_id

SITE = "https://example.org"


async def room(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the headers that it was given."""
    given = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    await PlainTextResponse(json.dumps(given))(scope, receive, send)


def through(
    rules: AccessRules, headers: dict[str, str], *, method: str = "GET", log: bool = False
) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of one request."""
    options = DoorOptions(
        rules=rules, log_requests=log, new_id=lambda: "fresh", clock=iter((1.0, 1.25)).__next__
    )
    sent: list[Message] = []

    async def main() -> None:
        async def receive() -> Message:
            return {"type": "http.request"}

        async def send(message: Message) -> None:
            sent.append(message)

        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": "/v2",
            "headers": [(n.lower().encode(), v.encode("latin-1")) for n, v in headers.items()],
        }
        await Door(room, options)(scope, receive, send)

    asyncio.run(main())
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answered, b"".join(one.get("body", b"") for one in sent[1:]).decode()


def test_an_answer_carries_an_id_and_forbids_guessing() -> None:
    _, headers, _ = through(AccessRules(), {})
    assert headers["x-request-id"] == "fresh"
    assert headers["x-content-type-options"] == "nosniff"
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abc-1_Z", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("", False),
        ("-", False),
        ("a b", False),
        ("a\nb", False),
        ("é", False),
    ],
)
def test_a_callers_id_is_kept_where_it_can_stand_in_a_log(given: str, kept: bool) -> None:
    _, headers, _ = through(AccessRules(), {"X-Request-Id": given})
    assert headers["x-request-id"] == (given if kept else "fresh")


def test_a_refusal_carries_the_same_headers() -> None:
    status, headers, body = through(AccessRules(hosts=LOOPBACK), {"Host": "evil.org"})
    assert (status, headers["x-request-id"]) == (403, "fresh")
    assert json.loads(body)["request_id"] == "fresh"


def test_an_allowed_site_may_read_what_it_gets() -> None:
    rules = AccessRules(hosts=LOOPBACK, origins=frozenset({SITE}))
    _, headers, _ = through(rules, {"Host": "localhost", "Origin": SITE})
    assert headers["access-control-allow-origin"] == SITE
    assert headers["vary"] == "Origin"
    # Also that it came to the wrong name.
    status, headers, _ = through(rules, {"Host": "evil.org", "Origin": SITE})
    assert (status, headers["access-control-allow-origin"]) == (403, SITE)


def test_a_browsers_question_is_answered_at_the_door() -> None:
    rules = AccessRules(origins=frozenset({"*"}))
    headers = {"Origin": SITE, "Access-Control-Request-Headers": "x-a, x-b"}
    status, answered, body = through(rules, headers, method="OPTIONS")
    assert (status, body) == (204, "")
    assert answered["access-control-allow-headers"] == "x-a, x-b"
    assert answered["access-control-allow-origin"] == SITE


def test_a_wish_for_a_part_is_passed_over() -> None:
    _, _, body = through(AccessRules(), {"Range": "bytes=5-", "X-Other": "1"})
    assert json.loads(body) == {"x-other": "1"}


def test_one_line_a_request_is_logged_where_it_is_wished(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("haversack"), "propagate", True)
    caplog.set_level(logging.INFO, "haversack.access")
    through(AccessRules(), {}, log=True)
    assert caplog.messages == ["fresh GET /v2 200 250.0 ms"]
    through(AccessRules(), {})
    assert len(caplog.messages) == 1


def test_ids_differ_and_say_nothing() -> None:
    ids = {new_request_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 16 and set(one) <= set("0123456789abcdef") for one in ids)


def cancelled(app: ASGIApp) -> list[Message]:
    """What is sent by a request that the server's end cancels."""
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        return {}

    async def send(message: Message) -> None:
        sent.append(message)

    async def main() -> None:
        options = DoorOptions(rules=AccessRules(), new_id=lambda: "fresh")
        scope = {"type": "http", "method": "POST", "path": "/v2", "headers": []}
        request = asyncio.create_task(Door(app, options)(scope, receive, send))
        await asyncio.sleep(0)
        request.cancel()
        await request

    asyncio.run(main())
    return sent


def test_who_is_not_answered_before_the_end_is_told_so() -> None:
    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    start, body = cancelled(waits)
    assert start["status"] == 503
    headers = dict(start["headers"])
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"x-request-id"] == b"fresh"
    told = json.loads(body["body"])
    assert (told["code"], told["request_id"]) == ("server-ending", "fresh")


def test_an_answer_that_has_begun_has_no_second_one() -> None:
    async def streams(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()

    assert [message["type"] for message in cancelled(streams)] == ["http.response.start"]
