"""Photos that are sent one by one until a job takes them, and the files that a job gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from haversack.database.connection import Database, Row, Value
from haversack.database.named import named_statements
from haversack.errors import HaversackError, Kind
from haversack.jobs.blobs import content_of

_TOUCHED_AT_MOST_SECONDS = 60.0


class Role(StrEnum):
    """What a file is to its job."""

    PHOTO = "photo"
    RESULT = "result"


@dataclass(frozen=True, kw_only=True)
class JobFile:
    """One file of a job.

    Attributes:
        name: of a photo its path below the folder it came from, with forward slashes.
        blob: its name in the blob store.
        size_bytes: of it.
    """

    name: str
    blob: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Upload:
    """Photos on their way.

    Attributes:
        id: also of the job that takes them.
        owner: name of the key that began it.
        photos, size_bytes: so far.
        is_taken: whether a job has them.
    """

    id: str
    owner: str
    photos: int
    size_bytes: int
    is_taken: bool


class JobFiles:
    """Uploads and files by job, in the database of a `JobStore`.

    Promises:
        threads: any thread and any process may call at any time.
        order: a blob is put first and then said to be here, and the other way round when it goes;
            so a blob that is named here is there.
        survives a crash: what `begin`, `add` and `keep_result` returned is on the disk.
        taken: what a job has taken changes no more.
        away: every method raises `database-away` where the database cannot be reached.

    Args:
        database: that a `SqlJobStore` has brought to this schema.
        now: the store's clock.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._sql = named_statements(
            "haversack.jobs", "sql/uploads.sql", f"sql/{database.dialect.value}.sql"
        )

    def begin(self, upload_id: str, owner: str) -> Upload:
        """A new upload without photos."""
        self._run("begin", durable=True, id=upload_id, owner=owner, now=self._now())
        return Upload(id=upload_id, owner=owner, photos=0, size_bytes=0, is_taken=False)

    def find(self, upload_id: str) -> Upload:
        """How far it is. Raises `upload-not-found`."""
        rows = self._run("find", id=upload_id)
        if not rows:
            raise upload_not_found(upload_id)
        found, owner, photos, size, taken = rows[0]
        return Upload(
            id=found, owner=owner, photos=photos, size_bytes=int(size), is_taken=bool(taken)
        )

    def owner(self, upload_id: str) -> str:
        """Whose it is, without counting what has come. Raises `upload-not-found`."""
        rows = self._run("owner", id=upload_id)
        if not rows:
            raise upload_not_found(upload_id)
        return str(rows[0][0])

    def add(self, upload_id: str, file: JobFile, most: int) -> bool:
        """One more photo; False where the very same is here already.

        Args:
            most: photos of one upload.

        Raises:
            HaversackError: `upload-not-found`, `upload-taken`, `upload-full`, `photo-name-taken`.
        """
        now = self._now()
        values: dict[str, Value] = {"name": file.name, "blob": file.blob, "bytes": file.size_bytes}
        if self._run("add", durable=True, id=upload_id, most=most, **values):
            self._run("touch", id=upload_id, now=now, before=now - _TOUCHED_AT_MOST_SECONDS)
            return True
        known = self.file(upload_id, Role.PHOTO, file.name)
        if known is not None and content_of(known.blob) == content_of(file.blob):
            return False
        raise _refusal(self.find(upload_id), file, most, is_other=known is not None)

    def keep_result(self, job_id: str, file: JobFile) -> None:
        """A file that a job gives, in the place of an earlier one of that name."""
        values: dict[str, Value] = {"name": file.name, "blob": file.blob, "bytes": file.size_bytes}
        self._run("keep_result", durable=True, id=job_id, **values)

    def file(self, job_id: str, role: Role, name: str) -> JobFile | None:
        """One file, or None."""
        rows = self._run("file", id=job_id, role=role.value, name=name)
        return _file(*rows[0]) if rows else None

    def files(self, job_id: str, role: Role) -> list[JobFile]:
        """All of them, by name."""
        return [_file(*row) for row in self._run("files", id=job_id, role=role.value)]

    def end(self, upload_id: str) -> None:
        """It is an upload no more: a job has its photos, or they go with the next `remove`."""
        self._run("end", durable=True, id=upload_id)

    def end_old(self, upload_seconds: float) -> None:
        """Forget uploads that nothing came to for so long."""
        self._run("end_old", durable=True, before=self._now() - upload_seconds)

    def old(self, role: Role, most: int) -> list[str]:
        """Blobs of files whose job is gone or keeps them no longer, at most `most`."""
        return [row[0] for row in self._run(f"old_{role.value}s", most=most)]

    def remove(self, role: Role, blobs: Sequence[str]) -> list[str]:
        """Forget those of these files that no job keeps; returns the blobs to delete."""
        rows = self._run(f"remove_{role.value}s", durable=True, keys=json.dumps(list(blobs)))
        return [row[0] for row in rows]

    def _run(self, _statement: str, *, durable: bool = False, **values: Value) -> list[Row]:
        return self._database.rows(self._sql[_statement], values, durable=durable)


def upload_not_found(upload_id: str) -> HaversackError:
    """There is none, or it is another's."""
    return HaversackError(
        "upload-not-found",
        f"there is no upload {upload_id[:80]!r} here",
        hint="POST /uploads begins one; it is kept for a day after the last photo.",
        kind=Kind.NOT_FOUND,
    )


def _file(name: str, blob: str, size_bytes: int) -> JobFile:
    return JobFile(name=name, blob=blob, size_bytes=size_bytes)


def _refusal(upload: Upload, file: JobFile, most: int, *, is_other: bool) -> HaversackError:
    """Why a photo was not added."""
    if upload.is_taken:
        return HaversackError(
            "upload-taken",
            f"the upload {upload.id} is a job already",
            hint=f"Begin another upload for more photos; GET /jobs/{upload.id} shows the job.",
            kind=Kind.CONFLICT,
        )
    if is_other:
        return HaversackError(
            "photo-name-taken",
            f"another photo of this upload is called {file.name!r}",
            hint="Give each photo the path it has in its folder.",
            kind=Kind.CONFLICT,
        )
    return HaversackError(
        "upload-full",
        f"the upload has {upload.photos:,} photos; the limit is {most:,}",
        hint="Make a job of these, and begin another upload for the rest; for a whole survey on "
        "this machine use `haversack survey run`.",
    )
