"""What `haversack jobs` asks for and is given, whichever door it goes through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from haversack.jobs.store import Filter
from haversack.survey.job.wish import SurveyWish

Described = dict[str, Any]
"""A job as `GET /jobs/{id}` gives it."""


@dataclass(frozen=True, kw_only=True)
class PhotoRequest:
    """What is asked of a photo.

    Attributes:
        pack: name, or name@version.
        image: the photo's name.
        threshold: None for the pack's own.
        with_map: also a label map's pixels.
        priority: higher ones first.
    """

    pack: str
    image: str
    threshold: float | None = None
    with_map: bool = False
    priority: int = 0


@dataclass(frozen=True, kw_only=True)
class SurveyRequest:
    """What is asked of many photos; None for the pack's own.

    Attributes:
        pack: name, or name@version.
        title: what a list calls the survey.
        wish: how to look.
        priority: higher ones first.
    """

    pack: str
    title: str
    wish: SurveyWish
    priority: int = 0


class JobsDoor(Protocol):
    """What `haversack jobs` needs; jobs are as in `GET /jobs/{id}`. Every method may raise."""

    def submit(self, sent: PhotoRequest, photo: bytes) -> Described:
        """Put one job."""
        ...

    def begin_upload(self) -> str:
        """The id of an upload without photos."""
        ...

    def uploaded(self, upload_id: str) -> frozenset[str]:
        """The names of the photos that have come."""
        ...

    def upload(self, upload_id: str, name: str, photo: bytes) -> None:
        """Send one photo."""
        ...

    def survey(self, asked: SurveyRequest, upload_id: str) -> Described:
        """Put one job for all photos of an upload."""
        ...

    def pieces(self, job_id: str, name: str) -> Iterator[bytes]:
        """One file of a job's result."""
        ...

    def listed(self, chosen: Filter) -> list[Described]:
        """A page."""
        ...

    def show(self, job_id: str) -> Described:
        """One job."""
        ...

    def result(self, job_id: str) -> dict[str, Any]:
        """Its record."""
        ...

    def cancel(self, job_id: str) -> Described:
        """Cancel one."""
        ...

    def retry(self, job_id: str) -> Described:
        """Retry one."""
        ...
