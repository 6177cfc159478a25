"""A connection without a network, and what is sent and answered on it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from haversack.asgi.protocol import Connection, ConnectionLimits, connections

BODY = b"0123456789" * 3


class Wire(asyncio.Transport):
    """What a connection writes, whether it reads, and whether it said that nothing more comes."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = asyncio.Event()
        self.reads = True
        self.ended = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if not (self.closed.is_set() or self.ended):
            self.written += data

    def close(self) -> None:
        self.closed.set()

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

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


def refusal(written: bytes) -> tuple[int, dict[str, Any]]:
    head, _, body = written.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    assert b"connection: close" in head
    told = json.loads(body)
    assert f"x-request-id: {told['request_id']}".encode() in head
    assert told["error"]
    assert told["hint"]
    return int(head.split()[1]), told


async def closed(wire: Wire) -> None:
    async with asyncio.timeout(20):
        await wire.closed.wait()
