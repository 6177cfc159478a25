"""What a job's command is told, and what it tells: JSON on its standard input and output."""

from __future__ import annotations

from typing import Any

import msgspec

from haversack.errors import Kind


class CommandTask(msgspec.Struct, frozen=True, kw_only=True):
    """All of standard input.

    Attributes:
        job: its id.
        kind: its kind's name.
        attempt: 1 for the first.
        pack: name and version that the caller wants, as name or name@version.
        pack_path: of that pack on this machine, a folder or a .pack file.
        options: as the kind's `read` gave them.
        photos: folder with the job's photos under their names; of a job with one photo that is
            `photo`.
        work: folder of the job's own; what a killed attempt left in it is there for the next.
        out: empty folder; what lies in it at the end are the job's files.
    """

    job: str
    kind: str
    attempt: int
    pack: str
    pack_path: str
    options: dict[str, Any]
    photos: str
    work: str
    out: str


class ToldProgress(msgspec.Struct, frozen=True, kw_only=True, tag="progress"):
    """How far it is; see `jobs.job.Progress`."""

    done: int
    total: int
    seconds_left: float = 0.0


class ToldLine(msgspec.Struct, frozen=True, kw_only=True, tag="note"):
    """A line for the worker's log."""

    text: str


class ToldFault(msgspec.Struct, frozen=True, kw_only=True, tag="fault"):
    """Why there is no result; see `errors.HaversackError`, whose kind says whose fault it is."""

    code: str
    message: str
    hint: str = ""
    kind: str = Kind.INTERNAL.value


class ToldResult(msgspec.Struct, frozen=True, kw_only=True, tag="result"):
    """What came of it, and the version of the pack that made it."""

    result: dict[str, Any]
    version: str = ""


Told = ToldProgress | ToldLine | ToldFault | ToldResult
"""One line of standard output. A line that is nothing of this goes into the worker's log."""
