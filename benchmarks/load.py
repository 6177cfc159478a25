"""A closed loop of HTTP/1.1 clients: each sends its request again when it has its answer.

Written on the transport itself, so that the client takes little of the CPUs that it shares with
the server: some 30 microseconds a request.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from dataclasses import dataclass
from typing import cast

import uvloop

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Load:
    """What one run of clients saw: requests a second, milliseconds at two quantiles, errors."""

    rate: float
    p50_ms: float
    p99_ms: float
    errors: int

    def __str__(self) -> str:
        errors = f"   {self.errors} ERRORS" if self.errors else ""
        return f"{self.rate:8.0f}/s  p50 {self.p50_ms:7.2f}  p99 {self.p99_ms:7.2f} ms{errors}"


@dataclass(frozen=True)
class Ask:
    """One request: where to, and its whole bytes."""

    port: int
    data: bytes


def post(port: int, path: str, body: bytes, **headers: str) -> Ask:
    """A POST; a header's name is written with underscores."""
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return Ask(port, "\r\n".join([*lines, "", ""]).encode() + body)


def run(ask: Ask, *, clients: int, seconds: float) -> Load:
    """Closed-loop clients for that long, after a tenth of it to warm."""
    return uvloop.run(_run(ask, clients, seconds))


class _Client(asyncio.Protocol):
    def __init__(self, ask: Ask, end: float, warm: float) -> None:
        self._ask, self._end, self._warm = ask, end, warm
        self._buffer = bytearray()
        self._need = -1
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.took: list[float] = []
        self.errors = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._need < 0:
            at = self._buffer.find(b"\r\n\r\n")
            if at < 0:
                return
            found = _LENGTH.search(self._buffer[:at])
            assert found, bytes(self._buffer[:at])
            self._need = at + 4 + int(found[1])
        if len(self._buffer) >= self._need:
            self._answered()

    def connection_lost(self, fault: Exception | None) -> None:
        if not self.done.done():
            self.errors += 1
            self.done.set_result(None)

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._ask.data)

    def _answered(self) -> None:
        now = time.perf_counter()
        ok = self._buffer.startswith(b"HTTP/1.1 200")
        self.errors += not ok
        if ok and now > self._warm:
            self.took.append(now - self._sent)
        self._buffer.clear()
        self._need = -1
        if now < self._end:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()


async def _run(ask: Ask, clients: int, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    warm, end = began + seconds / 10, began + seconds * 1.1
    crowd: list[_Client] = []
    for _ in range(clients):
        _, client = await loop.create_connection(
            lambda: _Client(ask, end, warm), "127.0.0.1", ask.port
        )
        crowd.append(client)
    await asyncio.gather(*(client.done for client in crowd))
    took = sorted(second for client in crowd for second in client.took)
    if not took:
        return Load(0, 0, 0, sum(client.errors for client in crowd))
    return Load(
        rate=len(took) / seconds,
        p50_ms=took[len(took) // 2] * 1e3,
        p99_ms=took[min(int(len(took) * 0.99), len(took) - 1)] * 1e3,
        errors=sum(client.errors for client in crowd),
    )
