"""Packs beside the photos of jobs, so that workers on other machines need no copy of their own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from haversack.database.connection import Database, Row, Value
from haversack.database.named import named_statements
from haversack.jobs.blobs import BlobStore, blob_name
from haversack.jobs.mapping import mapped
from haversack.packfile.archive import PackFiles, opened_archive


@dataclass(frozen=True, kw_only=True)
class PackCopy:
    """One version of one pack, as it is kept.

    Attributes:
        digest: of its pack.toml.
        blob: one .pack file.
    """

    name: str
    version: str
    digest: str
    blob: str
    size_bytes: int


class PackStore:
    """Packs by name and version, in the database of a `JobStore` and the blobs beside it.

    Promises: any thread and any process may call. A copy that is named is there. Every method
    raises `database-away` or `blobs-away` where one of both cannot be reached.

    Args:
        spool: folder on a disk of this machine, where a pack that is a folder becomes one file.
    """

    def __init__(self, database: Database, blobs: BlobStore, spool: Path) -> None:
        self._database = database
        self._blobs = blobs
        self._spool = spool
        self._sql = named_statements("haversack.jobs", "sql/packs.sql")

    def publish(self, files: PackFiles) -> None:
        """Keep a copy, in the place of another of that name and version. Raises OSError, too."""
        key: dict[str, Value] = {"name": files.manifest.name, "version": files.manifest.version}
        before = self._run("find", **key)
        if before and before[0].digest == files.digest:
            return
        with opened_archive(files.location, self._spool) as file, mapped(file) as data:
            # Its own even where the very same is published elsewhere just now: what one
            # withdraws is never another's.
            whose = f"{files.manifest.name}-{files.manifest.version}-{secrets.token_hex(4)}"
            blob = blob_name(data, whose)
            self._blobs.put(blob, data)
            size = len(data)
        self._run("put", **key, digest=files.digest, blob=blob, bytes=size)
        for old in before:
            self._blobs.delete(old.blob)

    def withdraw(self, name: str, version: str, digest: str) -> None:
        """Keep that copy no longer, unless another has taken its place."""
        values: dict[str, Value] = {"name": name, "version": version, "digest": digest}
        for row in self._rows("remove", values):
            self._blobs.delete(row[0])

    def copies(self) -> list[PackCopy]:
        """All of them, by name and version."""
        return self._run("all")

    def fetch(self, copy: PackCopy, folder: Path) -> Path:
        """The copy as a .pack file in `folder`. Raises HaversackError as `BlobStore.fetch`."""
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{copy.name}-{copy.version}-{copy.digest[:12]}.pack"
        if not target.exists():
            self._blobs.fetch(copy.blob, target)
        return target

    def _run(self, _statement: str, **values: Value) -> list[PackCopy]:
        return [_copy(row) for row in self._rows(_statement, values)]

    def _rows(self, statement: str, values: dict[str, Value]) -> list[Row]:
        return self._database.rows(self._sql[statement], values, durable=True)


def _copy(row: Row) -> PackCopy:
    name, version, digest, blob, size = row
    return PackCopy(name=name, version=version, digest=digest, blob=blob, size_bytes=size)
