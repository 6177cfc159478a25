"""Where jobs are kept: one database and one blob store that belong together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from haversack.database.connection import is_postgresql, sqlite_path
from haversack.database.opening import open_database
from haversack.errors import HaversackError
from haversack.jobs.blob_stores import open_blobs
from haversack.jobs.blobs import BlobStore
from haversack.jobs.files import JobFiles
from haversack.jobs.intake import Intake, IntakeLimits, IntakeStores
from haversack.jobs.kinds import JobKinds
from haversack.jobs.pack_store import PackStore
from haversack.jobs.sql_store import Outside, SqlJobStore
from haversack.jobs.store import JobStore
from haversack.jobs.webhooks import Webhooks

_BLOBS_FACT = "blobs"


@dataclass(frozen=True, kw_only=True)
class JobLocations:
    """Where jobs, their photos and results are kept.

    Attributes:
        state: the folder for what has no place of its own.
        database: URL or path; None for `jobs.sqlite` in `state`.
        blobs: URL or folder; None for `blobs` beside a SQLite file, else in `state`.
    """

    state: Path
    database: str | None = None
    blobs: str | None = None

    @property
    def database_url(self) -> str:
        """The database's URL or path; accounts are in it, too."""
        return self.database or str(self.state / "jobs.sqlite")

    @property
    def is_shared(self) -> bool:
        """Whether workers on other machines could take part."""
        return self.database is not None and is_postgresql(self.database)


@dataclass(frozen=True, kw_only=True)
class JobServices:
    """An open database and blob store, what is kept in both, the intake that puts jobs, and their
    kinds."""

    store: JobStore
    blobs: BlobStore
    files: JobFiles
    packs: PackStore
    webhooks: Webhooks
    intake: Intake
    kinds: JobKinds = field(default_factory=JobKinds)


def open_services(
    locations: JobLocations,
    limits: IntakeLimits | None = None,
    outside: Outside | None = None,
    kinds: JobKinds | None = None,
) -> JobServices:
    """Open both, and refuse a blob store that is not the one this database's jobs are in.

    Raises:
        HaversackError: `blobs-elsewhere`; those of `open_database`, `migrate` and `open_blobs`.
    """
    database = locations.database_url
    folder = locations.state if is_postgresql(database) else sqlite_path(database).parent
    spool = locations.state / "waiting"
    blobs = open_blobs(locations.blobs or folder / "blobs", spool)
    opened = open_database(database)
    store = SqlJobStore(opened, outside)
    here = blobs.place()
    known = store.fact(_BLOBS_FACT, here)
    if known != here:
        store.close()
        raise HaversackError(
            "blobs-elsewhere",
            "the photos of this database's jobs are kept in another place than "
            f"{locations.blobs or folder / 'blobs'}",
            hint="Give the server and every worker the same --blobs: a folder that all of them "
            "see, or s3://bucket/prefix.",
        )
    files, webhooks = JobFiles(opened, store.now), Webhooks(opened, store.now)
    return JobServices(
        store=store,
        blobs=blobs,
        files=files,
        packs=PackStore(opened, blobs, spool),
        webhooks=webhooks,
        intake=Intake(
            IntakeStores(store=store, blobs=blobs, files=files, webhooks=webhooks), limits
        ),
        kinds=kinds or JobKinds(),
    )
