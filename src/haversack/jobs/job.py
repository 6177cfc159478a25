"""A job: one row, its states and the ways between them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from haversack.errors import HaversackError, Kind


class State(StrEnum):
    """The states of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more happens by itself."""
        return self not in (State.QUEUED, State.RUNNING)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One row, without its result. Times are seconds since 1970 by the database's clock.

    Attributes:
        id: 32 hexadecimal digits that nobody can guess; later jobs sort higher.
        kind: who handles it, by the name of a kind of `app/kinds.py`, or of a newer server's.
        pack: its name.
        version: asked for, or "" until the job is done, and then the one that did it.
        wants: the name, or name@version where the caller named one.
        input: name of the blob, see `blobs`; "" where the photos are files, see `files`.
        input_bytes: of it, or of all photos.
        input_removed: whether age or quota took it.
        image: the name that its sender gave the photo, or the photos.
        options: of the kind, as JSON.
        owner: name of the key that sent it; "" where there are no keys.
        idempotency_key: of the sender, or None.
        priority: higher ones first.
        state: see `State`.
        due: not before, while queued; end of the lease, while running.
        deadline: a job that has not started by then expires; None for never.
        attempts: begun so far.
        max_attempts: after so many own faults it is dead.
        worker: who had it last.
        progress_done: photos of progress_total; both 0 where the kind does not count.
        error_code: "" or of the last fault.
        error_message: one sentence.
        error_hint: the next step.
        result_bytes: of the result and its files, as long as they are kept.
        result_removed: whether age or quota took it.
        seconds: from the claim of the last attempt to its end, and of jobs that were done together
            the job's share of it; while it runs, what its worker thinks is left, or 0. (A column of
            its own would lie behind the result, and a list would read every result to come to it.)
        created: put.
        started: first claimed; None before.
        finished: terminal; None before.
        revision: rises with every change that someone may see.
    """

    id: str
    kind: str
    pack: str
    version: str
    wants: str
    input: str
    input_bytes: int
    input_removed: int
    image: str
    options: str
    owner: str
    idempotency_key: str | None
    priority: int
    state: State
    due: float
    deadline: float | None
    attempts: int
    max_attempts: int
    worker: str
    progress_done: int
    progress_total: int
    error_code: str
    error_message: str
    error_hint: str
    result_bytes: int
    result_removed: int
    seconds: float
    created: float
    started: float | None
    finished: float | None
    revision: int


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """What is put. `id` also names the blob, so it is made before the blob is written.

    `photos` is their number where the kind counts them; `webhook` an address to be told at the end.
    """

    id: str
    pack: str
    input: str
    input_bytes: int
    kind: str
    version: str = ""
    image: str = ""
    options: str = "{}"
    owner: str = ""
    idempotency_key: str | None = None
    priority: int = 0
    wait_seconds: float | None = None
    max_attempts: int = 3
    photos: int = 0
    webhook: str | None = None

    @property
    def wants(self) -> str:
        """Who can do it: name, or name@version."""
        return f"{self.pack}@{self.version}" if self.version else self.pack


@dataclass(frozen=True)
class Progress:
    """How far an attempt is: photos done of all, and what is left, in seconds; 0 for unknown."""

    done: int = 0
    total: int = 0
    seconds_left: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to report of one attempt: a later attempt has another token."""

    id: str
    token: str


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A job that a worker has, and the lease it has it by."""

    job: Job
    lease: Lease


@dataclass(frozen=True, kw_only=True)
class ResultCost:
    """What a result takes besides its own bytes.

    Attributes:
        files_bytes: of the files that belong to it.
        together: how many jobs were done in its time, of which it has its share.
    """

    files_bytes: int = 0
    together: int = 1


PLAIN = ResultCost()
"""Of a result without files that was made alone."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why an attempt ended without a result."""

    code: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: HaversackError) -> Fault:
        """An error as it stands in the row."""
        lines = (error.message, *error.details)
        return cls(code=error.code, message="; ".join(lines), hint=error.hint)


def new_id(now: float, token: Callable[[int], str] = secrets.token_hex) -> str:
    """12 digits of milliseconds, so that jobs sort by age, and 20 that nobody can guess."""
    return f"{int(now * 1000):012x}{token(10)}"


def job_not_found(job_id: str) -> HaversackError:
    """There is none, or it is another's."""
    return HaversackError(
        "job-not-found",
        f"there is no job {job_id[:80]!r} here",
        hint="GET /jobs, or `haversack jobs list`, shows them.",
        kind=Kind.NOT_FOUND,
    )


def differs(found: Job, new: NewJob) -> HaversackError:
    """Another job has the id or the idempotency key of the one that was to be put."""
    if found.id == new.id:
        return HaversackError(
            "job-differs",
            f"the job {new.id} is there already, with another pack, option or webhook",
            hint="Send the photos again for a second job.",
            kind=Kind.CONFLICT,
        )
    return HaversackError(
        "idempotency-key-reused",
        f"the idempotency key {(new.idempotency_key or '')[:80]!r} was sent before with another "
        "pack, photo, upload, option or webhook",
        hint="Use a new key for each new job.",
        kind=Kind.CONFLICT,
    )
