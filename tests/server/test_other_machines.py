"""A worker on another machine: nothing in common with the server but a database and a store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.databases import Postgres, running_postgres
from tests.server.running import PHOTO, serving
from tests.server.test_jobs import command, eventually, second_version, working

from haversack.database.opening import open_database
from haversack.jobs.blob_stores import open_blobs
from haversack.jobs.pack_store import PackStore
from haversack.jobs.sql_store import SqlJobStore
from haversack.packfile.archive import open_pack


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


def copies(url: str, blobs: Path) -> list[tuple[str, str]]:
    database = open_database(url)
    SqlJobStore(database)
    found = [
        (one.name, one.version)
        for one in PackStore(database, open_blobs(blobs), blobs / "spool").copies()
    ]
    database.close()
    return found


def test_it_does_jobs_and_surveys_with_packs_that_only_the_server_had(
    tmp_path: Path, postgres: Postgres
) -> None:
    url, blobs = postgres.new_database(), tmp_path / "store"
    shared = ("--database", url, "--blobs", blobs)
    with serving(tmp_path, second_version(tmp_path), *shared) as server:
        eventually(lambda: ("blobs", "2") in copies(url, blobs))
        assert server.answers()
        server.process.kill()  # so that nobody else does what comes now
    for folder in (tmp_path / "elsewhere", tmp_path / "flight"):
        folder.mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "flight" / name).write_bytes(PHOTO.read_bytes())
    words = ("--json", *shared)
    with working(tmp_path / "elsewhere", *shared, "--state", tmp_path / "elsewhere" / "state"):
        for kind, photos in (("submit", PHOTO), ("survey", tmp_path / "flight")):
            sent = command(tmp_path, *_jobs(kind), "blobs@2", photos, *words)
            job = json.loads(sent)["id"]
            result = json.loads(command(tmp_path, *_jobs("wait"), job, *shared))
            if kind == "submit":
                assert (result["pack"], result["version"]) == ("blobs", "2")
            else:
                assert (result["pack"], result["photos"]) == ("blobs@2", {"done": 2})


def _jobs(word: str) -> tuple[str | Path, ...]:
    return ("jobs", word)


def test_a_version_that_took_anothers_place_leaves_no_copy_of_the_old(tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "jobs.sqlite"))
    jobs = SqlJobStore(database)
    blobs = open_blobs(tmp_path / "store")
    store, pack = PackStore(database, blobs, tmp_path / "spool"), second_version(tmp_path)
    store.publish(open_pack(pack))
    (first,) = store.copies()
    assert jobs.has_blob(first.blob)
    manifest = pack / "pack.toml"
    manifest.write_text(manifest.read_text().replace("description", "# changed\ndescription", 1))
    changed = open_pack(pack)
    for _ in range(2):
        store.publish(changed)
    (second,) = store.copies()
    assert (second.digest, first.blob != second.blob) == (changed.digest, True)
    assert open_pack(store.fetch(second, tmp_path / "copies")).digest == changed.digest
    assert not jobs.has_blob(first.blob)
    store.withdraw("blobs", "2", first.digest)
    assert store.copies() == [second]
    store.withdraw("blobs", "2", second.digest)
    assert store.copies() == []
    database.close()
