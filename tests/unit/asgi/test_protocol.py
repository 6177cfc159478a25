"""One connection: offers are passed over, heads are waited for so long, refusals have our form."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import chain, repeat
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from tests.unit.asgi.wire import (
    BODY,
    Hasty,
    Wire,
    answers,
    chunked,
    closed,
    connected,
    post,
    refusal,
    tell,
    turns,
)

OFFERS = {
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    "websocket": b"Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\n",
    "upgrade alone": b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    "not for this connection": b"Upgrade: h2c\r\n",
}


@pytest.mark.parametrize("write", [post, chunked], ids=["with a length", "in chunks"])
@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
def test_an_offer_of_another_protocol_is_passed_over(
    write: Callable[[str, bytes], bytes], offer: bytes
) -> None:
    sent = write("/one", offer) + write("/two", offer) + post("/three")

    async def told(size: int) -> list[Any]:
        connection, wire = connected()
        for at in range(0, len(sent), size):
            connection.data_received(sent[at : at + size])
            await turns(3)
        await turns()
        assert not wire.closed.is_set()
        return answers(wire.written)

    head = sent.index(b"\r\n\r\n") + 4
    for size in (len(sent), head, head + 3, 1, 7):
        found = asyncio.run(told(size))
        assert [one[:3] for one in found] == [
            ["POST", path, BODY.decode()] for path in ("/one", "/two", "/three")
        ], size


def test_the_rest_of_the_head_is_kept() -> None:
    async def main() -> list[Any]:
        connection, wire = connected()
        connection.data_received(post("/a%20b", OFFERS["h2c"] + b"X-One: 1\r\nX-One: 2\r\n"))
        await turns()
        return answers(wire.written)

    ((method, path, _, names),) = asyncio.run(main())
    assert (method, path) == ("POST", "/a b")
    assert names == ["host", "content-length", "connection", "http2-settings", "x-one", "x-one"]


def test_who_waits_for_a_word_before_sending_gets_it() -> None:
    async def main() -> bytes:
        connection, wire = connected()
        sent = post("/one", OFFERS["h2c"] + b"Expect: 100-continue\r\n")
        connection.data_received(sent[: -len(BODY)])
        await turns()
        told = wire.written
        connection.data_received(BODY)
        await turns()
        assert answers(wire.written.removeprefix(told))[0][2] == BODY.decode()
        return told

    assert asyncio.run(main()).startswith(b"HTTP/1.1 100 Continue")


def test_behind_a_connect_nothing_more_is_read() -> None:
    async def main() -> Wire:
        connection, wire = connected()
        connection.data_received(b"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n" + post("/smuggled"))
        await turns()
        connection.data_received(post("/smuggled"))
        await turns()
        return wire

    wire = asyncio.run(main())
    assert [one[0] for one in answers(wire.written)] == ["CONNECT"]
    assert wire.closed.is_set()


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GARBAGE\r\n\r\n", 400, "http-invalid"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "http-invalid"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "http-invalid"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "http-invalid"),
        (post("/", OFFERS["h2c"]).replace(b"/ ", b"http://[ "), 400, "http-invalid"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 431, "head-too-large"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431, "head-too-large"),
        (b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 1500 + b"\r\n", 431, "head-too-large"),
        (b"GET / HTTP/1.1\r\n" + b"a:%s\r\n" % (b"b" * 900) * 100 + b"\r\n", 431, "head-too-large"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_http_gets_an_error_of_our_form(sent: bytes, status: int, code: str) -> None:
    async def main() -> Wire:
        connection, wire = connected()
        connection.data_received(sent)
        await turns()
        return wire

    wire = asyncio.run(main())
    found, told = refusal(wire.written)
    assert (found, told["code"]) == (status, code)
    assert wire.closed.is_set()


def test_a_header_that_never_ends_is_not_kept_in_memory() -> None:
    async def main() -> int:
        connection, wire = connected()
        connection.data_received(b"GET / HTTP/1.1\r\nX: ")
        for count in range(1000):
            connection.data_received(b"a" * 1000)
            if wire.closed.is_set():
                assert refusal(wire.written)[0] == 431
                return count
        return 1000

    assert asyncio.run(main()) < 70


def test_a_head_behind_a_large_body_is_not_taken_for_larger_than_it_is() -> None:
    async def main() -> bytes:
        connection, wire = connected()
        connection.data_received(post("/one", body=b"x" * 200_000) + b"POST /two HTT")
        await turns()
        connection.data_received(b"P/1.1\r\nContent-Length: 1\r\n\r\n1")
        await turns()
        return wire.written

    assert [one[1] for one in answers(asyncio.run(main()))] == ["/one", "/two"]


def test_garbage_behind_a_request_waits_for_that_ones_answer() -> None:
    async def main() -> Wire:
        connection, wire = connected()
        connection.data_received(post("/one") + b"\0\0\0garbage\r\n\r\n")
        await turns()
        return wire

    wire = asyncio.run(main())
    assert [one[1] for one in answers(wire.written)] == ["/one"]
    assert wire.closed.is_set()


@pytest.mark.parametrize("sent", [b"P", post("/")[:-40], b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_half_a_head_is_not_waited_for_long(sent: bytes) -> None:
    async def main() -> bytes:
        connection, wire = connected(kind=Hasty)
        connection.data_received(sent)
        await closed(wire)
        return wire.written

    status, told = refusal(asyncio.run(main()))
    assert (status, told["code"]) == (408, "head-too-slow")


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
def test_who_sends_nothing_is_closed_without_a_word(sent: bytes) -> None:
    async def main() -> bytes:
        connection, wire = connected(kind=Hasty)
        connection.data_received(sent)
        await closed(wire)
        return wire.written

    assert asyncio.run(main()) == b""


def test_a_byte_now_and_then_does_not_keep_half_a_head_open() -> None:
    async def main() -> None:
        connection, wire = connected(kind=Hasty)
        sent = chain([b"GET / HTTP/1.1\r\nX: "], repeat(b"a"))
        async with asyncio.timeout(20):
            while not wire.closed.is_set():
                connection.data_received(next(sent))
                await asyncio.sleep(0.01)

    asyncio.run(main())


def test_the_second_head_is_not_waited_for_longer() -> None:
    async def main() -> bytes:
        connection, wire = connected(kind=Hasty)
        connection.data_received(post("/one"))
        await turns()
        first = wire.written
        assert answers(first)
        connection.data_received(b"POST /two")
        await closed(wire)
        return wire.written.removeprefix(first)

    assert refusal(asyncio.run(main()))[0] == 408


def test_an_idle_connection_between_requests_is_kept() -> None:
    async def main() -> None:
        connection, wire = connected(kind=Hasty)
        connection.data_received(post("/one"))
        await turns()
        await asyncio.sleep(0.3)
        assert not wire.closed.is_set()
        connection.data_received(post("/two"))
        await turns()
        assert len(answers(wire.written)) == 2

    asyncio.run(main())


def waiting_app() -> tuple[asyncio.Event, Callable[[Scope, Receive, Send], Awaitable[None]]]:
    go_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await go_on.wait()
        await tell(scope, receive, send)

    return go_on, app


def test_half_a_head_behind_a_request_waits_for_its_answer() -> None:
    async def main() -> bytes:
        go_on, app = waiting_app()
        connection, wire = connected(app, Hasty)
        connection.data_received(post("/one") + b"POST /two")
        await asyncio.sleep(0.3)
        assert not wire.closed.is_set()
        go_on.set()
        await turns()
        assert not wire.closed.is_set(), "it has its whole time from now on"
        first = wire.written
        assert len(answers(first)) == 1
        await closed(wire)
        return wire.written.removeprefix(first)

    assert refusal(asyncio.run(main()))[0] == 408


def test_no_more_is_read_than_is_asked_for() -> None:
    async def main() -> None:
        go_on, app = waiting_app()
        connection, wire = connected(app)
        sent = post("/one")
        connection.data_received(sent[:-5])
        assert not wire.is_reading()
        go_on.set()
        await turns()
        assert wire.is_reading()
        connection.data_received(sent[-5:])
        await turns()
        assert wire.is_reading()
        assert len(answers(wire.written)) == 1

    asyncio.run(main())
