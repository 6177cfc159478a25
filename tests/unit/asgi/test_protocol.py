"""One connection: offers are passed over, heads are waited for so long, refusals have our form."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from itertools import chain, repeat
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from haversack.asgi.pace import PaceLimits
from haversack.asgi.protocol import Connection, ConnectionLimits, connections

BODY = b"0123456789" * 3
OFFERS = {
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    "websocket": b"Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\n",
    "upgrade alone": b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    "not for this connection": b"Upgrade: h2c\r\n",
}


class Wire(asyncio.Transport):
    """What a connection writes, and whether it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = asyncio.Event()
        self.reads = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if not self.closed.is_set():
            self.written += data

    def close(self) -> None:
        self.closed.set()

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def is_reading(self) -> bool:
        return self.reads

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


# They wait longer than any test takes, and for moments.
Patient = connections(ConnectionLimits(head_seconds=60, rest_seconds=60))
Hasty = connections(ConnectionLimits(head_seconds=0.05, rest_seconds=0.1))


async def tell(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers what was asked."""
    body, more = b"", True
    while more:
        message = await receive()
        assert message["type"] == "http.request"
        body, more = body + message["body"], message["more_body"]
    names = [name.decode() for name, _ in scope["headers"]]
    told = [scope["method"], scope["path"], body.decode(), names]
    await answer(send, json.dumps(told).encode())


async def answer(send: Send, body: bytes) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def connected(app: Any = tell, kind: type[Connection] = Patient) -> tuple[Connection, Wire]:
    config = Config(app, ws="none", log_config=None)
    config.load()
    connection, wire = kind(config, ServerState(), {}), Wire()
    connection.connection_made(wire)
    return connection, wire


async def turns(count: int = 30) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def answers(written: bytes) -> list[Any]:
    """The bodies of the answers, all with a Content-Length."""
    found = []
    while written:
        head, _, rest = written.partition(b"\r\n\r\n")
        size = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.startswith(b"content-length")
        )
        found.append(json.loads(rest[:size]))
        written = rest[size:]
    return found


def post(path: str, headers: bytes = b"", body: bytes = BODY) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST %s HTTP/1.1\r\nHost: a\r\n%s%s\r\n" % (path.encode(), length, headers) + body


def chunked(path: str, headers: bytes = b"") -> bytes:
    body = b"".join(b"1\r\n%c\r\n" % one for one in BODY) + b"0\r\n\r\n"
    coding = b"Transfer-Encoding: chunked\r\n"
    return b"POST %s HTTP/1.1\r\nHost: a\r\n%s%s\r\n" % (path.encode(), coding, headers) + body


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


def refusal(written: bytes) -> tuple[int, dict[str, Any]]:
    head, _, body = written.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    assert b"connection: close" in head
    told = json.loads(body)
    assert f"x-request-id: {told['request_id']}".encode() in head
    assert told["error"]
    assert told["hint"]
    return int(head.split()[1]), told


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


async def closed(wire: Wire) -> None:
    async with asyncio.timeout(20):
        await wire.closed.wait()


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
    rest, body = ConnectionLimits(), PaceLimits()
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
