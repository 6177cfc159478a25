"""What `Tidier` promises, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from haversack.database.connection import Database, Listener, Row, Run, Value
from haversack.database.opening import open_database
from haversack.jobs.files import JobFiles
from haversack.jobs.folder_blobs import FolderBlobs
from haversack.jobs.handler import Attempt, Outcome
from haversack.jobs.intake import wish
from haversack.jobs.services import JobLocations, JobServices, open_services
from haversack.jobs.sql_store import SqlJobStore
from haversack.jobs.store import Claim, Retention
from haversack.jobs.tidier import Tidier
from haversack.jobs.webhooks import Webhooks

_NOTHING = Retention(result_seconds=0, input_seconds=0)
_DAY = 86_400.0


class Watched(FolderBlobs):
    """Does something before each deletion."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.deleted: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def delete(self, name: str) -> None:
        self.deleted.append(name)
        self.meanwhile()
        super().delete(name)


class Counted:
    """A database that counts the statements that read or change jobs and files, but not by key."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.dialect = inner.dialect
        self.scans: Counter[str] = Counter()

    @property
    def clock_offset_seconds(self) -> float:
        return self._inner.clock_offset_seconds

    def rows(
        self, statement: str, values: Mapping[str, Value], *, durable: bool = False
    ) -> list[Row]:
        if ("FROM job" in statement or "UPDATE job" in statement) and "keys" not in values:
            self.scans[statement] += 1
        return self._inner.rows(statement, values, durable=durable)

    def alone(self) -> AbstractContextManager[Run]:
        return self._inner.alone()

    def script(self, run: Run, text: str) -> None:
        self._inner.script(run, text)

    def listener(self) -> Listener:
        return self._inner.listener()

    def close(self) -> None:
        self._inner.close()


def fill(database: Database, number: int) -> None:
    """Jobs that are done, each with a photo and a result that are files."""
    numbers = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        f"WHERE i < {number}) INSERT INTO "
    )
    database.rows(
        f"{numbers} job (id, kind, pack, version, wants, input, input_bytes, image, options, "
        "owner, priority, state, due, max_attempts, created, finished, result, result_bytes) "
        "SELECT 'job' || i, 'survey', 'herd', '1', 'herd', '', 10, '', '{}', "
        "'', 0, 'done', i, 3, i, i, '{}', 2 FROM n",
        {},
    )
    for role in ("photo", "result"):
        database.rows(
            f"{numbers} job_file (job, role, name, blob, bytes) "
            f"SELECT 'job' || i, '{role}', 'a', '{role}.job' || i, 10 FROM n",
            {},
        )


class Broken:
    """A handler whose folder cannot be read."""

    kind = "survey"

    def packs(self) -> Sequence[str]:
        return []

    def run(self, attempt: Attempt) -> Outcome:
        raise AssertionError("no job is here")

    def tidy(self) -> None:
        raise PermissionError(13, "Permission denied", "/surveys")


@pytest.fixture
def blobs(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "blobs")


@pytest.fixture
def services(url: str, tmp_path: Path, blobs: Watched) -> Iterator[JobServices]:
    place = str(tmp_path / "blobs")
    opened = open_services(JobLocations(state=tmp_path, database=url, blobs=place))
    yield replace(opened, blobs=blobs)
    opened.store.close()


def done(services: JobServices, number: int) -> None:
    for _ in range(number):
        services.intake.submit(wish("herd", kind="predict"), b"photo")
        (claimed,) = services.store.claim(Claim(kinds=["predict"], packs=["herd"], worker="w"))
        services.store.done(claimed.lease, "{}", "1")


def test_more_than_a_portion_goes_in_one_tidying(services: JobServices, blobs: Watched) -> None:
    done(services, 120)
    Tidier(services, (), _NOTHING).tidy()
    assert len(blobs.deleted) == 120
    assert list(blobs.older_than(-_DAY)) == []


def test_one_tidies_at_a_time(services: JobServices, blobs: Watched) -> None:
    done(services, 2)
    second = Tidier(services, (), _NOTHING)
    blobs.meanwhile = second.tidy
    Tidier(services, (), _NOTHING).tidy()
    assert len(blobs.deleted) == 2
    done(services, 1)
    blobs.meanwhile = lambda: None
    second.tidy()
    assert len(blobs.deleted) == 3


def test_one_that_is_to_end_deletes_no_more_and_leaves_its_turn(
    services: JobServices, blobs: Watched
) -> None:
    done(services, 5)
    ending = threading.Event()
    blobs.meanwhile = ending.set
    Tidier(services, (), _NOTHING, ending).tidy()
    assert len(blobs.deleted) == 1
    assert services.store.take_turn("tidying", "another", 1)


def test_what_is_to_go_is_looked_for_once_however_many_portions_it_goes_in(
    services: JobServices, url: str, blobs: Watched
) -> None:
    database = Counted(open_database(url))
    fill(database, 350)
    store = SqlJobStore(database)
    database.scans.clear()
    files, webhooks = JobFiles(database, store.now), Webhooks(database, store.now)
    counted = replace(services, store=store, files=files, webhooks=webhooks)
    Tidier(counted, (), replace(_NOTHING, job_seconds=0)).tidy()
    for name in ("job", "job_file"):
        assert database.rows(f"SELECT count(*) FROM {name}", {}) == [(0,)]
    assert sorted(set(blobs.deleted)) == sorted(
        f"{role}.job{number}" for role in ("photo", "result") for number in range(1, 351)
    )
    assert len(blobs.deleted) == 700
    assert {text: times for text, times in database.scans.items() if times > 1} == {}
    store.close()


def test_a_folder_that_cannot_be_read_keeps_nothing_else_from_going(
    services: JobServices, blobs: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    done(services, 1)
    Tidier(services, [Broken()], _NOTHING).tidy()
    assert len(blobs.deleted) == 1
    assert "Permission denied" in caplog.text


def test_files_are_counted_by_what_was_deleted(
    services: JobServices, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = open_database(url)
    fill(database, 3)
    database.close()
    done(services, 1)
    with caplog.at_level("INFO"):
        Tidier(services, (), _NOTHING).tidy()
    # Two of each survey, and the photo of the other job; not the empty name of a survey's input.
    assert "removed 4 results and 7 files" in caplog.text
