"""Every error of Haversack: a stable code, what was received, and the next step."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """Whose fault an error is, and so what a caller may do about it.

    Each outer room maps kinds to its own words (exit codes, HTTP status) in one total table.

    Attributes:
        INVALID: what was sent or asked is wrong; it must be changed.
        UNAUTHENTICATED: nobody knows who asks.
        FORBIDDEN: this caller may not.
        NOT_FOUND: there is no such thing.
        CONFLICT: what is there already stands against it.
        GONE: it was there, and was removed.
        TOO_LARGE: larger than the limit.
        UNSUPPORTED: of a form that is not read here.
        OVERLOADED: too much at once; the same again later.
        DEADLINE: the caller's own time passed.
        UNAVAILABLE: what is needed is away, or not installed.
        INTERNAL: our own mistake.
    """

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    OVERLOADED = "overloaded"
    DEADLINE = "deadline"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class HaversackError(Exception):
    """An error that a person can act on.

    Attributes:
        code: stable, lower case with hyphens ("image-too-large"); part of the public contract.
        kind: see `Kind`.
        message: one sentence with the value received and what is allowed.
        hint: the next step, or "".
        details: further faults found in the same pass, one line each.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        kind: Kind = Kind.INVALID,
        details: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.kind = kind
        self.message = message
        self.hint = hint
        self.details = details

    def __reduce__(self) -> tuple[object, ...]:
        """Survive a trip between processes with every attribute."""
        return (_rebuild, (type(self), dict(vars(self))))

    def __str__(self) -> str:
        lines = [self.message, *(f"  - {detail}" for detail in self.details)]
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


class PackError(HaversackError):
    """A pack, or a file that should become one, cannot be used."""


class PhotoError(HaversackError):
    """A photo cannot be read."""


class ImportRefusedError(HaversackError):
    """An importer could not tell, or could not prove, how a model is to be read."""


class EngineError(HaversackError):
    """A session cannot be opened or run as it was asked for."""


class RetryLaterError(HaversackError):
    """Too much is asked at once; `retry_after_seconds` says when to come again."""

    def __init__(
        self, message: str, *, retry_after_seconds: int, hint: str = "", code: str = ""
    ) -> None:
        super().__init__("too-busy", message, hint=hint, kind=Kind.OVERLOADED)
        self.code = code or self.code
        self.retry_after_seconds = retry_after_seconds


def _rebuild(cls: type[HaversackError], state: dict[str, object]) -> HaversackError:
    error = cls.__new__(cls, state["message"])
    vars(error).update(state)
    return error
