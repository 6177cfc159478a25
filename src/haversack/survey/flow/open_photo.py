"""A photo of a run that is still to be looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OpenPhoto:
    """A photo still to be looked at.

    Attributes:
        id: in the database.
        path: as it is shown: valid text.
        name: as the system knows it, relative to the root.
        size_bytes, mtime_ns: when it was listed.
    """

    id: int
    path: str
    name: str
    size_bytes: int
    mtime_ns: int
