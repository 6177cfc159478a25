"""Where jobs are handed in: photos are kept first, then the row is put."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from haversack.errors import HaversackError, Kind
from haversack.jobs.blobs import BlobStore, Buffer, blob_name
from haversack.jobs.files import JobFile, JobFiles, Upload, upload_not_found
from haversack.jobs.job import Job, NewJob, differs, new_id
from haversack.jobs.photo_names import check_photo_name
from haversack.jobs.store import JobStore, Usage
from haversack.jobs.webhooks import Webhooks
from haversack.units import format_bytes

_USAGE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class IntakeLimits:
    """How much may wait.

    Attributes:
        queued: jobs.
        input_bytes: of photos that are kept, of jobs and of uploads.
        upload_photos: of one upload.
        suffixes: that photos of an upload may have, in small letters; none for any.
    """

    queued: int = 100_000
    input_bytes: int = 8 << 30
    upload_photos: int = 10_000
    suffixes: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class IntakeStores:
    """The stores that a job and its photos go into."""

    store: JobStore
    blobs: BlobStore
    files: JobFiles
    webhooks: Webhooks


class Intake:
    """Takes in jobs. Any thread may call.

    Attributes:
        limits: how much may wait.
    """

    def __init__(
        self,
        stores: IntakeStores,
        limits: IntakeLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._blobs, self._files = stores.store, stores.blobs, stores.files
        self._webhooks = stores.webhooks
        self.limits = limits or IntakeLimits()
        self._clock = clock
        self._lock = threading.Lock()
        self._usage = Usage(queued=0, input_bytes=0)
        self._counted = float("-inf")

    def submit(self, wish: NewJob, photo: Buffer) -> Job:
        """Accept a job; the photo and the row are on the disk when this returns.

        Args:
            wish: its id, input and input_bytes are set here.

        Raises:
            HaversackError: `jobs-full`, `idempotency-key-reused`, `blobs-away`, `database-away`.
        """
        self._check_room(len(photo))
        job_id = new_id(self._store.now())
        name = blob_name(photo, job_id)
        self._blobs.put(name, photo)
        new = replace(wish, id=job_id, input=name, input_bytes=len(photo))
        try:
            job = self._put(new)
        except HaversackError as error:
            # Where the database is away the row may be there all the same: `tidy` finds out.
            if error.kind is Kind.CONFLICT:
                self._blobs.delete(name)
            raise
        if job.id != job_id:
            self._blobs.delete(name)
        return job

    def _put(self, new: NewJob) -> Job:
        """Write the row; the webhook's address is kept before, so that none is forgotten."""
        if new.webhook is not None:
            self._webhooks.put(new.id, new.webhook)
        elif new.photos:  # an earlier try at a job of this upload may have left one
            self._webhooks.drop(new.id)
        try:
            job = self._store.put(new)
        except HaversackError as error:
            if new.webhook is not None and error.kind is Kind.CONFLICT:
                self._webhooks.drop(new.id)
            raise
        if new.webhook is not None and job.id != new.id:
            self._webhooks.drop(new.id)
        # An upload's job has the upload's id, so the answer may be an earlier one all the same.
        may_be_earlier = job.id != new.id or bool(new.photos)
        if may_be_earlier and self._webhooks.address(job.id) != new.webhook:
            raise differs(job, new)
        return job

    def begin_upload(self, owner: str) -> Upload:
        """Photos will come one by one. Raises `jobs-full`, `database-away`."""
        self._check_room(0)
        return self._files.begin(new_id(self._store.now()), owner)

    def upload(self, upload_id: str, owner: str | None) -> Upload:
        """An upload of that owner, or anyone's for None. Raises `upload-not-found`."""
        self.check_upload(upload_id, owner)
        return self._files.find(upload_id)

    def check_upload(self, upload_id: str, owner: str | None) -> None:
        """Whether there is one of that owner, without counting its photos. Raises as `upload`."""
        if self._files.owner(upload_id) != owner and owner is not None:
            raise upload_not_found(upload_id)

    def add_photo(self, upload_id: str, name: str, photo: Buffer) -> bool:
        """Keep one photo of an upload; False where the very same is here already.

        Raises:
            HaversackError: `photo-name-invalid`, `jobs-full`, `blobs-away`; those of
                `JobFiles.add`.
        """
        check_photo_name(name, self.limits.suffixes)
        self._check_room(len(photo))
        # Its own even where the very same is being sent twice: what one deletes is never another's.
        blob = blob_name(photo, f"{upload_id}-{secrets.token_hex(4)}")
        file = JobFile(name=name, blob=blob, size_bytes=len(photo))
        self._blobs.put(blob, photo)
        try:
            is_new = self._files.add(upload_id, file, self.limits.upload_photos)
        except HaversackError as error:
            # Where the database is away the row may be there all the same: `tidy` finds out.
            if error.kind is not Kind.UNAVAILABLE:
                self._blobs.delete(blob)
            raise
        if not is_new:
            self._blobs.delete(blob)
        return is_new

    def submit_upload(self, wish: NewJob, upload_id: str, owner: str | None) -> Job:
        """A job of an upload's photos, under the upload's id; the same again gives the same job.

        Args:
            wish: its id, input, input_bytes and photos are set here.

        Raises:
            HaversackError: `upload-not-found`, `upload-empty`, `jobs-full`, `job-differs`,
                `idempotency-key-reused`.
        """
        upload = self._upload_or_job(upload_id, owner)
        if not upload.photos:
            raise HaversackError(
                "upload-empty",
                f"the upload {upload_id} has no photo yet",
                hint=f"POST /uploads/{upload_id}?name=... sends one.",
            )
        self._check_room(0)
        new = replace(
            wish,
            id=upload.id,
            owner=upload.owner,
            input_bytes=upload.size_bytes,
            photos=upload.photos,
        )
        job = self._put(new)
        self._files.end(upload.id)
        return job

    def _upload_or_job(self, upload_id: str, owner: str | None) -> Upload:
        """Of an upload that is a job by now the row is gone."""
        try:
            return self.upload(upload_id, owner)
        except HaversackError as error:
            if error.code != "upload-not-found":
                raise
        try:
            job = self._store.find(upload_id)
        except HaversackError as error:
            if error.code != "job-not-found":
                raise
            raise upload_not_found(upload_id) from error
        if owner not in (None, job.owner) or not job.progress_total:
            raise upload_not_found(upload_id)
        return Upload(
            id=job.id,
            owner=job.owner,
            photos=job.progress_total,
            size_bytes=job.input_bytes,
            is_taken=True,
        )

    def _check_room(self, size_bytes: int) -> None:
        """Counted once a second: in that second a few too many may be let in."""
        with self._lock:
            if self._clock() - self._counted >= _USAGE_SECONDS:
                self._usage = self._store.usage()
                self._counted = self._clock()
            usage, limits = self._usage, self.limits
        if usage.queued >= limits.queued:
            raise _full(f"{usage.queued:,} jobs wait; the limit is {limits.queued:,}")
        if usage.input_bytes + size_bytes > limits.input_bytes:
            held, most = format_bytes(usage.input_bytes), format_bytes(limits.input_bytes)
            raise _full(f"the photos of jobs hold {held}; the limit is {most}")


def wish(pack: str, *, kind: str, **values: object) -> NewJob:
    """What a caller asks for, before it has an id."""
    return NewJob(id="", pack=pack, kind=kind, input="", input_bytes=0, **values)  # type: ignore[arg-type]


def _full(message: str) -> HaversackError:
    return HaversackError(
        "jobs-full",
        message,
        hint="Wait until some are done, or start more workers.",
        kind=Kind.OVERLOADED,
    )
