"""Jobs in the database itself, without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from haversack.cli.jobs_wire import Described, PhotoRequest, SurveyRequest
from haversack.errors import HaversackError, Kind
from haversack.jobs.describe import describe
from haversack.jobs.files import Role
from haversack.jobs.intake import wish
from haversack.jobs.job import Job, State
from haversack.jobs.services import JobServices
from haversack.jobs.store import Filter
from haversack.survey.job.kind import SURVEY
from haversack.survey.job.wish import write_wish

_PIECE_BYTES = 1 << 20


class DatabaseDoor:
    """Jobs by way of the database itself, for who can write it. See `JobsDoor`."""

    def __init__(self, services: JobServices) -> None:
        self._services = services

    def submit(self, sent: PhotoRequest, photo: bytes) -> Described:
        """See `JobsDoor.submit`."""
        name, _, version = sent.pack.partition("@")
        options: dict[str, Any] = {"map": True} if sent.with_map else {}
        if sent.threshold is not None:
            options = {"threshold": sent.threshold, **options}
        wished = wish(
            name,
            version=version,
            image=sent.image,
            options=json.dumps(options),
            priority=sent.priority,
        )
        return self._described(self._services.intake.submit(wished, photo))

    def begin_upload(self) -> str:
        """See `JobsDoor.begin_upload`."""
        return self._services.intake.begin_upload("").id

    def uploaded(self, upload_id: str) -> frozenset[str]:
        """See `JobsDoor.uploaded`."""
        self._services.intake.check_upload(upload_id, None)
        return frozenset(file.name for file in self._services.files.files(upload_id, Role.PHOTO))

    def upload(self, upload_id: str, name: str, photo: bytes) -> None:
        """See `JobsDoor.upload`."""
        self._services.intake.add_photo(upload_id, name, photo)

    def survey(self, asked: SurveyRequest, upload_id: str) -> Described:
        """See `JobsDoor.survey`."""
        name, _, version = asked.pack.partition("@")
        wished = wish(
            name,
            version=version,
            kind=SURVEY.name,
            image=asked.title,
            options=write_wish(asked.wish),
            priority=asked.priority,
        )
        return self._described(self._services.intake.submit_upload(wished, upload_id, None))

    def pieces(self, job_id: str, name: str) -> Iterator[bytes]:
        """See `JobsDoor.pieces`."""
        self._services.store.result(job_id)  # raises where there is none, or none any more
        file = self._services.files.file(job_id, Role.RESULT, name)
        if file is None:
            raise HaversackError(
                "job-file-missing",
                f"the job has no file {name[:80]!r}",
                hint="`haversack jobs show --result` names its files.",
                kind=Kind.NOT_FOUND,
            )
        for start in range(0, file.size_bytes, _PIECE_BYTES):
            yield self._services.blobs.part(file.blob, start, _PIECE_BYTES)

    def listed(self, chosen: Filter) -> list[Described]:
        """See `JobsDoor.listed`."""
        return [describe(job, self._services.kinds) for job in self._services.store.listed(chosen)]

    def show(self, job_id: str) -> Described:
        """See `JobsDoor.show`."""
        return self._described(self._services.store.find(job_id))

    def result(self, job_id: str) -> dict[str, Any]:
        """See `JobsDoor.result`."""
        found: dict[str, Any] = json.loads(self._services.store.result(job_id))
        return found

    def cancel(self, job_id: str) -> Described:
        """See `JobsDoor.cancel`."""
        return describe(self._services.store.cancel(job_id), self._services.kinds)

    def retry(self, job_id: str) -> Described:
        """See `JobsDoor.retry`."""
        return self._described(self._services.store.retry(job_id))

    def _described(self, job: Job) -> Described:
        waits = job.state in (State.QUEUED, State.RUNNING)
        place = self._services.store.queue_position(job) if waits else None
        return describe(job, self._services.kinds, place)
