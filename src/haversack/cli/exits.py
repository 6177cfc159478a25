"""Exit codes, and which kind of error leads to which."""

from __future__ import annotations

from haversack.errors import Kind

DONE = 0
FAILED = 1
USAGE = 2
SOME_FAILED = 3
INTERRUPTED = 130

_BY_KIND = {
    Kind.INVALID: USAGE,
    Kind.UNAUTHENTICATED: USAGE,
    Kind.FORBIDDEN: USAGE,
    Kind.NOT_FOUND: USAGE,
    Kind.CONFLICT: USAGE,
    Kind.GONE: USAGE,
    Kind.TOO_LARGE: USAGE,
    Kind.UNSUPPORTED: USAGE,
    Kind.OVERLOADED: FAILED,
    Kind.DEADLINE: FAILED,
    Kind.UNAVAILABLE: FAILED,
    Kind.INTERNAL: FAILED,
}


def exit_code(kind: Kind) -> int:
    """The exit code for an error of this kind."""
    return _BY_KIND[kind]
