"""Errors as HTTP answers: one table of status codes, one form of body."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from haversack.errors import HaversackError, Kind

_BY_KIND = {
    Kind.INVALID: 400,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.OVERLOADED: 429,
    Kind.UNAVAILABLE: 503,
    Kind.INTERNAL: 500,
}
# Where HTTP has a sharper word than the kind.
_BY_CODE = {
    "key-missing": 401,
    "key-unknown": 401,
    "sign-in-refused": 401,
    "scope-missing": 403,
    "host-refused": 403,
    "origin-refused": 403,
    "csrf-missing": 403,
    "pack-read-only": 403,
    "body-too-slow": 408,
    "head-too-slow": 408,
    "job-result-removed": 410,
    "job-input-removed": 410,
    "body-too-large": 413,
    "image-too-large": 413,
    "pack-too-large": 413,
    "image-type-unknown": 415,
    "image-mode-unsupported": 415,
    "media-type-unsupported": 415,
    "range-unsatisfiable": 416,
    "head-too-large": 431,
    "deadline-passed": 504,
}
_encoder = msgspec.json.Encoder()
_log = logging.getLogger("haversack.asgi")


class RetryLaterError(HaversackError):
    """Too much is asked at once; `retry_after_seconds` says when to come again."""

    def __init__(
        self, message: str, *, retry_after_seconds: int, hint: str = "", code: str = ""
    ) -> None:
        super().__init__("too-busy", message, hint=hint, kind=Kind.OVERLOADED)
        self.code = code or self.code
        self.retry_after_seconds = retry_after_seconds


def status_of(error: HaversackError) -> int:
    """The HTTP status of an error: by its code where the table has it, else by its kind."""
    return _BY_CODE.get(error.code, _BY_KIND[error.kind])


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
