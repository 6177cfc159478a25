"""One HTTP/1.1 connection: uvicorn's, with limits on its callers' heads and our form of refusal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from haversack.asgi.door import NO_SNIFFING, new_request_id
from haversack.asgi.errors import error_response
from haversack.errors import HaversackError, Kind
from haversack.units import format_bytes


@dataclass(frozen=True, kw_only=True)
class ConnectionLimits:
    """What a connection may cost before a request is known.

    Attributes:
        head_seconds: from the connection, or from a later request's first byte, until that
            request's head is whole.
        head_bytes: of one request's head.
        headers: in one head: 64,000 of four bytes each held up the event loop for 90 ms.
        rest_seconds: how often it is looked whether the rest of a body, whose request was
            answered before all of it came, still comes ...
        rest_bytes: ... with at least so much: as slowly as a body may come that was not refused.
        slow_rest_bytes: where less than this came ...
        slow_rests: ... so many are read at once, and any other connection is closed.
    """

    head_seconds: float = 10.0
    head_bytes: int = 64 << 10
    headers: int = 1000
    rest_seconds: float = 30.0
    rest_bytes: int = 30 << 10
    slow_rest_bytes: int = 120 << 10
    slow_rests: int = 256


class Connection(HttpToolsProtocol):
    """Uvicorn's protocol, and beyond it:

    An offer to speak another protocol (`Upgrade: h2c`, or websocket) is passed over, as RFC 9110,
    7.8, allows. Httptools takes the body behind it for that protocol's and drops it.

    A head that does not become whole, and the rest of a body that does not come, end the
    connection. One that is idle after an answer stays as long as uvicorn lets it.

    What is no HTTP is refused in the form of every other error.

    While the application does not ask for more of a body no more is read, so a body that waits
    for the disk holds one read of memory.
    """

    limits: ClassVar[ConnectionLimits]
    slow_rests: ClassVar[set[Connection]]

    _timer: asyncio.TimerHandle | None = None
    _rest_timer: asyncio.TimerHandle | None = None
    _rest_bytes = 0
    _head_bytes = 0
    _unparsed_bytes = 0  # of a head or of lines between a body's chunks, which may never end
    _has_moved = False  # by these data: a head began, or a part of a body came
    _is_in_head = False
    _is_in_message = False
    _is_deaf = False
    _is_last = False  # the request whose rest is read: nothing more is sent on this connection
    _fault: HaversackError | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._stop_waiting()
        self._stop_rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._is_deaf:
            return
        if self._is_in_rest():
            self._rest_bytes += len(data)
        self._has_moved = False
        try:
            self._feed(data)
        except httptools.HttpParserError:
            if not self._is_deaf:
                self._refuse(self._fault or _no_http())
            return
        if self._is_in_message and not self._has_moved:
            self._unparsed_bytes += len(data)
        if self._is_in_message and self._unparsed_bytes > self.limits.head_bytes:
            fault = _head_too_large if self._is_in_head else _lines_too_large
            self._refuse(fault(self.limits))
        elif self._is_in_head:
            if self._timer is None:
                self._wait_for_head()
        elif self._is_in_message and self.cycle.body and not self.cycle.response_complete:
            # The application's next `receive` resumes it.
            self.flow.pause_reading()

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                if self.parser.get_method() == b"CONNECT":
                    # Nothing that follows is for us, and a proxy before us may think otherwise.
                    self._is_deaf, self.cycle.keep_alive = True, False
                    return
                # That parser holds the body for another protocol's: one that never heard of the
                # offer reads the head once more, and what follows.
                head = self._head_without_offer()
                self.parser = _parser(self)
                self.parser.feed_data(head)
                data = data[upgrade.args[0] :]

    def _is_offer(self) -> bool:
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def _head_without_offer(self) -> bytes:
        """The head as it was understood; nothing in it can end a line too early."""
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        for name, value in self.headers:
            kept = value
            if name == b"upgrade":
                continue
            if name == b"connection":
                words = [word.strip() for word in value.split(b",")]
                kept = b", ".join(word for word in words if word.lower() != b"upgrade")
            lines.append(b"%s: %s" % (name, kept))
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def on_message_begin(self) -> None:
        """The first byte of a head."""
        if self._is_deaf:
            raise _no_http()  # which stops the parser amid what came
        self._unset_keepalive_if_required()
        self._is_in_head = self._is_in_message = self._has_moved = True
        self._head_bytes = self._unparsed_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self.url += url
        self._check_head(len(self.url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value)
        self._check_head(self._head_bytes + len(self.url))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self._is_offer():
            return
        super().on_headers_complete()
        self.cycle.transport = _LastWord(self)
        self._stop_waiting()
        self._is_in_head = False
        self._unparsed_bytes = 0

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._has_moved, self._unparsed_bytes = True, 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is whole."""
        if self._is_offer():
            return
        self._is_in_message = False
        self._stop_rest()
        super().on_message_complete()
        if self._is_last:
            self._is_deaf = True
            self.transport.close()
            return
        if self.cycle.response_complete and self.timeout_keep_alive_task is None:
            self._wait_idle()

    def on_response_complete(self) -> None:
        """The answer is written."""
        super().on_response_complete()
        if self._is_in_head:
            # It may have come while nothing was read.
            self._wait_for_head()
        elif self._is_in_rest():
            # Uvicorn takes the connection for idle.
            self._unset_keepalive_if_required()
            self._wait_for_rest()

    def close(self) -> None:
        """The answer was the last one; the rest of its request is read before the end.

        What comes to a closed socket is answered by a reset, and that overtakes the answer.
        """
        if not self._is_in_rest() or self.transport.is_closing():
            self.transport.close()
        elif not self._is_last:
            self._is_last = True
            self.transport.write_eof()

    def _check_head(self, size_bytes: int) -> None:
        if size_bytes > self.limits.head_bytes or len(self.headers) > self.limits.headers:
            self._fault = _head_too_large(self.limits)
            raise self._fault

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(self.limits.head_seconds, self._on_head_waited)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait_idle(self) -> None:
        wait = self.timeout_keep_alive
        self.timeout_keep_alive_task = self.loop.call_later(wait, self.timeout_keep_alive_handler)

    def _on_head_waited(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self._is_answering():
            # Only half of the next one's head; it is waited for when this one is answered.
            return
        if self._is_in_head:
            self._refuse(_head_too_slow(self.limits))
        else:
            self.transport.close()

    def _is_in_rest(self) -> bool:
        """Whether more of a request is to come that is answered already.

        It is read to its end, so that its sender sees the answer.
        """
        in_body = self._is_in_message and not self._is_in_head
        return in_body and self.cycle.response_complete

    def _wait_for_rest(self) -> None:
        self._rest_bytes = 0
        wait = self.limits.rest_seconds
        self._rest_timer = self.loop.call_later(wait, self._on_rest_waited)

    def _stop_rest(self) -> None:
        self.slow_rests.discard(self)
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None

    def _on_rest_waited(self) -> None:
        self._rest_timer = None
        if self.transport.is_closing():
            return
        limits = self.limits
        self.slow_rests.discard(self)
        is_slow = self._rest_bytes < limits.slow_rest_bytes
        is_one_too_many = is_slow and len(self.slow_rests) >= limits.slow_rests
        if self._rest_bytes < limits.rest_bytes or is_one_too_many:
            self.transport.close()
            return
        if is_slow:
            self.slow_rests.add(self)
        self._wait_for_rest()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, error: HaversackError) -> None:
        """The last answer on this connection, unless it would stand amid another one."""
        self._is_deaf = True
        self._stop_waiting()
        self._unset_keepalive_if_required()
        is_next = self._is_in_head or not self._is_in_message
        if self._is_answering() and is_next:
            # The requests before it are answered; the connection ends with the last of them.
            self.cycle.keep_alive = False
            return
        if is_next or not (self.pipeline or self.cycle.response_started):
            self.transport.write(_written(error))
        self.transport.close()


class _LastWord(asyncio.Transport):
    """What one request's cycle writes to: uvicorn closes it behind the last answer."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self._connection.transport.write(data)

    def is_closing(self) -> bool:
        return self._connection.transport.is_closing()

    def close(self) -> None:
        self._connection.close()


def connections(limits: ConnectionLimits | None = None) -> type[Connection]:
    """A server's kind of connection: those of one kind are counted together."""

    class Limited(Connection):
        slow_rests: ClassVar[set[Connection]] = set()

    Limited.limits = limits or ConnectionLimits()
    return Limited


def _parser(protocol: Connection) -> httptools.HttpRequestParser:
    """As uvicorn makes its own."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def _written(error: HaversackError) -> bytes:
    request_id = new_request_id()
    response = error_response(error, request_id)
    own = [(b"x-request-id", request_id.encode()), NO_SNIFFING, (b"connection", b"close")]
    headers = [*response.raw_headers, *own]
    lines = [b"%s: %s\r\n" % pair for pair in headers]
    return b"".join([STATUS_LINE[response.status_code], *lines, b"\r\n", bytes(response.body)])


def _no_http() -> HaversackError:
    return HaversackError(
        "http-invalid",
        "what came is no HTTP/1.1 request",
        hint="Send the request with an HTTP client, to http:// and not https://.",
    )


def _head_too_slow(limits: ConnectionLimits) -> HaversackError:
    return HaversackError(
        "head-too-slow",
        f"the request's head was not whole {limits.head_seconds:g} seconds after it began",
        hint="Send its headers at once, and the empty line that ends them.",
    )


def _head_too_large(limits: ConnectionLimits) -> HaversackError:
    return HaversackError(
        "head-too-large",
        f"the request's head holds more than {format_bytes(limits.head_bytes)}, or more than "
        f"{limits.headers:,} headers",
        hint="Send what is long in the request's body.",
        kind=Kind.TOO_LARGE,
    )


def _lines_too_large(limits: ConnectionLimits) -> HaversackError:
    return HaversackError(
        "head-too-large",
        f"between two chunks of the body, or behind them, stand more than "
        f"{format_bytes(limits.head_bytes)}",
        hint="Send chunks without extensions, and few trailers.",
        kind=Kind.TOO_LARGE,
    )
