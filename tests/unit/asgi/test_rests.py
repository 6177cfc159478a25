"""The rest of a request that is answered already is read, so that its sender sees the answer."""

from __future__ import annotations

import asyncio
from itertools import chain, repeat
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from tests.unit.asgi.wire import (
    BODY,
    Hasty,
    Wire,
    answer,
    answers,
    chunked,
    closed,
    connected,
    post,
    refusal,
    tell,
    turns,
)

from haversack.asgi.body_rates import BodyRateLimits
from haversack.asgi.protocol import Connection, ConnectionLimits, connections


async def refuse_early(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, b"1")


def test_the_rest_of_a_body_that_was_answered_is_read_as_long_as_it_comes() -> None:
    async def main() -> None:
        connection, wire = connected(refuse_early, Hasty)
        connection.data_received(post("/one", body=b"x" * 90_000_000)[:100])
        await turns()
        assert answers(wire.written) == [1]
        for _ in range(400):
            connection.data_received(b"x" * 100_000)
            await asyncio.sleep(0.001)
            assert (wire.is_reading(), wire.is_closing()) == (True, False)
        async with asyncio.timeout(20):
            while not wire.closed.is_set():
                connection.data_received(b"x")
                await asyncio.sleep(0.01)

    asyncio.run(main())


def test_a_connection_is_idle_again_behind_the_rest_of_a_body() -> None:
    async def main() -> None:
        connection, wire = connected(refuse_early)
        connection.timeout_keep_alive = 0
        sent = post("/one")
        connection.data_received(sent[:-5])
        await turns()
        connection.data_received(sent[-5:])
        await closed(wire)

    asyncio.run(main())


async def refuse_one(scope: Scope, receive: Receive, send: Send) -> None:
    """/one is answered before its body came."""
    await (refuse_early if scope["path"] == "/one" else tell)(scope, receive, send)


def test_the_body_behind_the_rest_of_another_has_its_own_time() -> None:
    async def main() -> list[Any]:
        connection, wire = connected(refuse_one, Hasty)
        first, second = post("/one"), post("/two")
        connection.data_received(first[:-20])
        await turns()
        connection.data_received(first[-20:-10])
        connection.data_received(first[-10:] + second[:-5])
        await asyncio.sleep(0.3)
        assert not wire.closed.is_set()
        connection.data_received(second[-5:])
        await turns()
        return answers(wire.written)

    one, two = asyncio.run(main())
    assert (one, two[2]) == (1, BODY.decode())


@pytest.mark.parametrize("tail", [b"", b"1", b"1;", b"1;a", b"0\r\n", b"0\r\nX-A: b"])
def test_the_rest_between_two_chunks_is_not_waited_for_longer(tail: bytes) -> None:
    async def main() -> None:
        connection, wire = connected(refuse_early, Hasty)
        connection.data_received(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        await turns()
        if tail:
            connection.data_received(tail)
        async with asyncio.timeout(2):
            await wire.closed.wait()

    asyncio.run(main())


@pytest.mark.parametrize("app", [refuse_early, tell], ids=["answered", "waited for"])
@pytest.mark.parametrize("begun", [b"1;", b"0\r\nX: "], ids=["extension", "trailer"])
def test_what_stands_between_two_chunks_is_not_read_for_ever(app: Any, begun: bytes) -> None:
    async def main() -> tuple[int, bytes]:
        connection, wire = connected(app)
        connection.data_received(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        await turns()
        sent = chain([b"1\r\n1\r\n" * 40_000, begun], repeat(b"a" * 1000))
        for count in range(1000):
            connection.data_received(next(sent))
            await turns(3)
            if wire.closed.is_set():
                return count, wire.written
        return 1000, b""

    count, written = asyncio.run(main())
    assert 60 < count < 70
    if app is tell:
        status, told = refusal(written)
        assert status == 431
        assert "between two chunks" in told["error"]


def test_a_body_that_was_refused_may_come_as_slowly_as_another() -> None:
    rest, body = ConnectionLimits(), BodyRateLimits()
    assert rest.rest_bytes == rest.rest_seconds * body.least_bytes_per_second
    assert rest.slow_rest_bytes == rest.rest_seconds * body.slow_bytes_per_second


class StillLoop(asyncio.SelectorEventLoop):
    """Its clock stands, until a test moves it."""

    now = 0.0

    def time(self) -> float:
        return self.now

    async def advance(self, seconds: float) -> None:
        self.now += seconds
        await turns(5)


def test_only_so_many_rests_may_come_slowly() -> None:
    loop = StillLoop()
    kind = connections(ConnectionLimits(slow_rests=2))
    made: list[tuple[Connection, Wire]] = []

    async def open_after_tick(sizes: list[int]) -> list[bool]:
        for (connection, wire), size in zip(made, sizes, strict=True):
            if not wire.closed.is_set():
                connection.data_received(b"x" * size)
        await loop.advance(30)
        return [not wire.closed.is_set() for _, wire in made]

    async def begin() -> None:
        await loop.advance(1)
        made.append(connected(refuse_early, kind))
        made[-1][0].data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999000\r\n\r\n")
        await turns()

    async def main() -> None:
        quick, slow, too_slow = 130_000, 31_000, 30_000
        for _ in range(5):
            await begin()
        kept = [True, True, True, False, False]
        assert await open_after_tick([quick, slow, slow, slow, too_slow]) == kept
        for _ in range(4):
            assert await open_after_tick([quick, slow, slow, slow, slow]) == kept
        # One of them has ended, so there is room for another.
        made[1][0].connection_lost(None)
        await begin()
        assert await open_after_tick([quick, 0, slow, 0, 0, slow]) == [
            *kept[:1],
            False,
            True,
            False,
            False,
            True,
        ]
        made[2][0].data_received(b"x" * (999_000 - 6 * slow))
        await begin()
        await open_after_tick([quick, 0, 0, 0, 0, slow, slow])
        assert not made[5][1].closed.is_set()
        assert not made[6][1].closed.is_set()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())


CLOSE = b"Connection: close\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        post("/one", CLOSE),
        post("/one").replace(b"HTTP/1.1", b"HTTP/1.0"),
        chunked("/one", CLOSE),
    ],
    ids=["close", "HTTP/1.0", "in chunks"],
)
def test_behind_the_last_answer_the_rest_is_read_and_no_more(sent: bytes) -> None:
    async def main(behind: bytes) -> None:
        connection, wire = connected(refuse_one)
        connection.data_received(sent[:-15])
        await turns()
        assert answers(wire.written) == [1]
        assert b"connection: close" in wire.written
        assert (wire.ended, wire.closed.is_set(), wire.is_reading()) == (True, False, True)
        connection.data_received(sent[-15:-5])
        assert not wire.closed.is_set()
        written = wire.written
        connection.data_received(sent[-5:] + behind)
        assert wire.closed.is_set()
        connection.data_received(behind)
        await turns()
        assert wire.written == written
        assert not connection.tasks

    for behind in (b"", post("/two"), b"\0garbage", b"POST /two HT"):
        asyncio.run(main(behind))


def test_the_rest_behind_the_last_answer_is_not_waited_for_longer() -> None:
    async def main() -> None:
        connection, wire = connected(refuse_early, Hasty)
        connection.data_received(post("/", CLOSE)[:-5])
        await turns()
        assert not wire.closed.is_set()
        await closed(wire)

    asyncio.run(main())


def test_a_connection_is_closed_at_once_behind_a_whole_request() -> None:
    async def main() -> None:
        connection, wire = connected(refuse_early)
        connection.data_received(post("/", CLOSE))
        await turns()
        assert wire.closed.is_set()
        assert not wire.ended

    asyncio.run(main())


def test_a_server_that_ends_waits_for_no_rest_of_an_answered_request() -> None:
    async def main() -> None:
        for headers in (b"", CLOSE):
            connection, wire = connected(refuse_early)
            connection.data_received(post("/", headers)[:-5])
            await turns()
            assert not wire.closed.is_set()
            connection.shutdown()
            assert wire.closed.is_set()

    asyncio.run(main())
