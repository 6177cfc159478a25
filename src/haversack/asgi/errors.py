"""Errors as HTTP answers, in one form of body."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from haversack.asgi.statuses import status_of
from haversack.errors import HaversackError, Kind, RetryLaterError

_encoder = msgspec.json.Encoder()
_log = logging.getLogger("haversack.asgi")


def json_response(
    value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`value` as JSON."""
    return Response(
        _encoder.encode(value), status_code=status, headers=headers, media_type="application/json"
    )


def error_response(error: HaversackError, request_id: str) -> Response:
    """An error as every route gives it: a string `error`, and `code`, `hint`, `request_id`."""
    body: dict[str, object] = {"error": error.message, "code": error.code, "hint": error.hint}
    if error.details:
        body["details"] = list(error.details)
    headers = {}
    if isinstance(error, RetryLaterError):
        headers["Retry-After"] = str(error.retry_after_seconds)
    status = status_of(error)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return json_response(body | {"request_id": request_id}, status=status, headers=headers)


def exception_handlers() -> dict[type[Exception] | int, ExceptionHandler]:
    """For Starlette: every exception as an answer of the form above."""
    return {HaversackError: _on_error, HTTPException: _on_http, Exception: _on_fault}


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HaversackError)
    request_id = request.scope.get("request_id", "")
    if status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("%s %s %s: %s", request_id, request.url.path, error.code, error.message)
    return error_response(error, request_id)


async def _on_http(request: Request, error: Exception) -> Response:
    """Starlette's own: no such route, or not with this method."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    sentences = {
        404: f"there is nothing at {request.url.path[:200]}",
        405: f"{request.method} is not allowed at {request.url.path[:200]}",
    }
    body = {
        "error": sentences.get(status, error.detail),
        "code": status.phrase.lower().replace(" ", "-"),
        "hint": "GET /openapi.json lists every route." if status in sentences else "",
        "request_id": request.scope.get("request_id", ""),
    }
    return json_response(body, status=status, headers=error.headers)


async def _on_fault(request: Request, fault: Exception) -> Response:
    """Our own mistake: the log has the traceback, the caller the id to quote."""
    request_id = request.scope.get("request_id", "")
    _log.error("%s %s failed", request_id, request.url.path, exc_info=fault)
    error = HaversackError(
        "server-fault",
        "the server made a mistake while answering",
        hint=f"Look for {request_id} in the server's log.",
        kind=Kind.INTERNAL,
    )
    return error_response(error, request_id)
