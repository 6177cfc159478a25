"""Kinds of errors as HTTP statuses, and back."""

from __future__ import annotations

from haversack.errors import HaversackError, Kind

STATUSES = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 415,
    Kind.OVERLOADED: 429,
    Kind.INTERNAL: 500,
    Kind.UNAVAILABLE: 503,
    Kind.DEADLINE: 504,
}
# Faults that only HTTP has, and has words for; and one that is said alike of a photo whose header
# tells that it is too large and of one where memory ran out all the same.
_BY_CODE = {
    "body-too-slow": 408,
    "head-too-slow": 408,
    "image-too-large": 413,
    "range-unsatisfiable": 416,
    "head-too-large": 431,
}
_KINDS = {status: kind for kind, status in STATUSES.items()}
_SERVERS_OWN = 500


def status_of(error: HaversackError) -> int:
    """The HTTP status of an error: its kind's, but for five codes that have their own."""
    return _BY_CODE.get(error.code, STATUSES[error.kind])


def kind_of(status: int) -> Kind:
    """The kind of an error that a server answered with `status`, from 400 on."""
    return _KINDS.get(status, Kind.INVALID if status < _SERVERS_OWN else Kind.UNAVAILABLE)
