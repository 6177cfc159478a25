"""The outermost middleware: every request gets an id, is let in or not, and is counted."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from haversack.asgi.access import AccessRules, allowed_origin, check_host, check_origin
from haversack.asgi.errors import error_response
from haversack.asgi.identity import recognised
from haversack.errors import HaversackError, Kind

_log = logging.getLogger("haversack.access")
_ID_BYTES = 64

NO_SNIFFING = (b"x-content-type-options", b"nosniff")
"""A header of every answer: a browser is to believe the Content-Type, and guess nothing else."""


def new_request_id() -> str:
    """16 hexadecimal digits that nobody can guess."""
    return os.urandom(8).hex()


@dataclass(frozen=True, kw_only=True)
class DoorOptions:
    """What the door asks of a request, and writes down of it.

    Attributes:
        rules: who may ask.
        log_requests: one line in the log for each.
        probed: paths that are answered under any name: load balancers ask for them by address,
            and they give nothing away.
        new_id: gives request ids.
        clock: seconds, rising.
    """

    rules: AccessRules
    log_requests: bool = False
    probed: frozenset[str] = frozenset()
    new_id: Callable[[], str] = new_request_id
    clock: Callable[[], float] = time.perf_counter


class Door:
    """ASGI middleware, the outermost.

    It finds out who asks; whether they may is for each route to check, which knows its scope.
    """

    def __init__(self, app: ASGIApp, options: DoorOptions) -> None:
        self._app = app
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, with `scope["request_id"]` set and sent back as X-Request-Id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = _given_id(headers) or self._options.new_id()
        scope["request_id"] = request_id
        if b"range" in headers:
            # Most routes pass it over, which a server may: what is wrong with one would be answered
            # in plain text. Those that heed it look in `scope["range"]`. Source: RFC 9110, 14.2.
            scope["range"] = headers[b"range"].decode("latin-1")
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"range"]
        own_headers = [(b"x-request-id", request_id.encode()), NO_SNIFFING]
        origin = headers.get(b"origin", b"").decode("latin-1")
        if allowed_origin(self._options.rules, origin):
            own_headers += [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-expose-headers", _EXPOSED),
                (b"vary", b"Origin"),
            ]
        started = self._options.clock()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] += own_headers
            await send(message)

        try:
            await self._enter(scope, receive, answer, headers)
        except asyncio.CancelledError:
            # Only the server's end cancels a request. Uvicorn would answer in plain text, and log
            # a traceback; an answer that has begun it cuts off.
            if not status:
                await error_response(_ending(), request_id)(scope, receive, answer)
        finally:
            if self._options.log_requests:
                seconds = self._options.clock() - started
                method, path = scope["method"], scope["path"]
                _log.info("%s %s %s %d %.1f ms", request_id, method, path, status, seconds * 1e3)

    async def _enter(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]
    ) -> None:
        rules = self._options.rules
        origin = headers.get(b"origin", b"").decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        try:
            if scope["method"] not in _PROBING or scope["path"] not in self._options.probed:
                check_host(rules, host)
            if scope["method"] == "OPTIONS" and allowed_origin(rules, origin):
                await _preflight(headers)(scope, receive, send)
                return
            check_origin(rules, origin, host)
        except HaversackError as error:
            await error_response(error, scope["request_id"])(scope, receive, send)
            return
        if rules.register is not None:
            scope["principal"] = await recognised(rules, rules.register, scope)
        await self._app(scope, receive, send)


_EXPOSED = b"X-Request-Id, Retry-After, Location, Inference-Header-Content-Length, Content-Range"
_PROBING = frozenset({"GET", "HEAD"})


def _preflight(headers: dict[bytes, bytes]) -> Response:
    """A browser's question before a request of another site, answered before any key is asked."""
    wished = headers.get(b"access-control-request-headers", b"authorization, content-type")
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Methods": "GET, POST, DELETE",
            "Access-Control-Allow-Headers": wished.decode("latin-1"),
            "Access-Control-Max-Age": "600",
        },
    )


def _ending() -> HaversackError:
    return HaversackError(
        "server-ending",
        "the server ends, and the request was not done in the time that was left",
        hint="Send it again, to the server that takes its place.",
        kind=Kind.UNAVAILABLE,
    )


def _given_id(headers: dict[bytes, bytes]) -> str:
    """The caller's own id, where it can stand in a log."""
    given = headers.get(b"x-request-id", b"")
    fits = given.replace(b"-", b"").replace(b"_", b"").isalnum()
    return given.decode("ascii") if fits and len(given) <= _ID_BYTES else ""
