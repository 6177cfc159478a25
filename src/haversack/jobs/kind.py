"""A kind of job: what a program must know of it, but not how it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from haversack.jobs.wishes import Wishes
from haversack.packfile.manifest import Manifest


class JobInput(Enum):
    """What is sent for a job."""

    PHOTO = "photo"
    """One photo, as the body or in a form."""
    UPLOAD = "upload"
    """Photos of an upload: one or many."""
    REQUEST = "request"
    """The body of another route, which is answered later."""


@dataclass(frozen=True, kw_only=True)
class JobOption:
    """One thing that may be wished of a job.

    Attributes:
        name: as in the query, and in the form of a photo.
        text: one sentence.
        schema: of its values, as JSON Schema has it.
    """

    name: str
    text: str
    schema: dict[str, Any]

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off; see `wishes.flag`."""
        return self.schema.get("type") == "boolean"


@dataclass(frozen=True, kw_only=True)
class Lane:
    """Jobs that are done in one line, by one worker; those of other lanes go on beside them.

    Attributes:
        name: kinds that give the same one share it.
        drain_seconds, heed_seconds: of its worker; see `worker.WorkerOptions`.
    """

    name: str
    drain_seconds: float = 10.0
    heed_seconds: float = 10.0


PROMPT = Lane(name="prompt")
"""Of what takes seconds: what is under way when a worker is to end may finish."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """How people read of such jobs.

    Attributes:
        one: what a job is called that has no name of its own.
        running: what is said while it is done, where it does not count.
        result: what comes of it, for a list: "a record".
        schemas: of its results, by their names in the table of routes; () for any object.
    """

    one: str
    running: str
    result: str
    schemas: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class JobWish:
    """What a caller asks of a job, as its row keeps it.

    Attributes:
        options: of the kind, as JSON.
        title: what lists call the job; None for the photo's own name.
    """

    options: str = "{}"
    title: str | None = None


class JobKind(Protocol):
    """One kind of job, as everything but its handler knows it.

    Promises:
        light: its module loads no model, no runtime and no framework; every command about jobs has
            it.
        threads: nothing here changes, and any thread may ask.
        kept: rows of this name, with options that `read` once gave, are understood for good.
    """

    @property
    def name(self) -> str:
        """As in rows, in lists and on the wire."""
        ...

    @property
    def takes(self) -> JobInput:
        """What is sent for it. The first kind of the table that takes it is meant by default."""
        ...

    @property
    def options(self) -> Sequence[JobOption]:
        """What may be wished."""
        ...

    @property
    def lane(self) -> Lane:
        """Which worker does it."""
        ...

    @property
    def words(self) -> Words:
        """For people."""
        ...

    def read(self, wishes: Wishes) -> JobWish:
        """From what a caller said. Raises HaversackError `query-invalid`."""
        ...

    def check_pack(self, manifest: Manifest) -> None:
        """Refuse a pack that could never do it. Raises HaversackError."""
        ...
