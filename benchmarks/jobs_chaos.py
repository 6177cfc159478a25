"""Kill workers at random, cut the database off, and count what became of every job.

    python benchmarks/jobs_chaos.py [--jobs 10000] [--database postgresql://... [--cut]]

Prints what was killed, and fails unless every accepted job is done with exactly one result.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from haversack.database.connection import Database, Dialect
from haversack.database.opening import open_database
from haversack.errors import HaversackError
from haversack.jobs.blob_stores import open_blobs
from haversack.jobs.blobs import BlobStore, blob_name
from haversack.jobs.job import NewJob, State, new_id
from haversack.jobs.sql_store import SqlJobStore

T = TypeVar("T")
WORKER = Path(__file__).with_name("jobs_worker.py")
PACK = "echo"
_AUDIT = {
    Dialect.SQLITE: """
        CREATE TABLE audit (id TEXT NOT NULL);
        CREATE TRIGGER audited AFTER UPDATE OF state ON job WHEN NEW.state = 'done'
        BEGIN INSERT INTO audit (id) VALUES (NEW.id); END;""",
    Dialect.POSTGRESQL: """
        CREATE TABLE audit (id TEXT NOT NULL);
        CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO audit (id) VALUES (NEW.id); RETURN NULL; END $$;
        CREATE TRIGGER audited AFTER UPDATE OF state ON job FOR EACH ROW
        WHEN (NEW.state = 'done') EXECUTE FUNCTION audited();""",
}
"""Kept by the database itself: a worker that is killed tells nobody."""
CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done to whom.

    Attributes:
        seconds_each: that a job takes on average.
        kill_seconds: between two kills, on average.
        disturb: called between kills; may cut or stop the database.
        limit_seconds: for the whole.
    """

    jobs: int = 300
    workers: int = 2
    seconds_each: float = 0.005
    kill_seconds: float = 0.35
    disturb: Callable[[], None] | None = None
    limit_seconds: float = 120.0
    seed: int = 1


@dataclass
class Report:
    """What became of the jobs."""

    accepted: int = 0
    states: Counter[str] = field(default_factory=Counter)
    doubled: int = 0
    wrong: int = 0
    again: int = 0
    kills: int = 0
    seconds: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Every accepted job done, once, with the right result."""
        return self.states == {"done": self.accepted} and not self.doubled and not self.wrong


def run(url: str, folder: Path, plan: Plan) -> Report:
    """Put, work, kill, wait and count."""
    began = time.monotonic()
    database = open_database(url)
    store = SqlJobStore(database)
    with database.alone() as alone:
        database.script(alone, _AUDIT[database.dialect])
    blobs = open_blobs(folder)
    report = Report()
    crew = _Crew(url, folder, plan)
    try:
        wanted = _put_all(store, blobs, plan, crew.kill_one)
        report.accepted = len(wanted)
        while _open_jobs(database) and time.monotonic() - began < plan.limit_seconds:
            crew.kill_if_due()
            time.sleep(0.02)
    finally:
        crew.end()
    report.kills = crew.kills
    _count(database, store, wanted, report)
    report.seconds = time.monotonic() - began
    store.close()
    return report


def _put_all(
    store: SqlJobStore, blobs: BlobStore, plan: Plan, disturb: Callable[[], None]
) -> dict[str, str]:
    """Ids and checksums of what was accepted; a put that failed is sent again, as callers do."""
    wanted = {}
    every = max(1, plan.jobs // 5)
    for number in range(plan.jobs):
        data = f"photo {number}".encode()
        job_id = new_id(time.time())
        name = blob_name(data, job_id)
        blobs.put(name, data)
        new = NewJob(
            id=job_id,
            kind="predict",
            pack=PACK,
            input=name,
            input_bytes=len(data),
            max_attempts=1000,
        )
        _patiently(partial(store.put, new))
        wanted[job_id] = sha256(data).hexdigest()
        if number % every == every - 1:
            disturb()
    return wanted


class _Crew:
    """Workers in processes of their own, of whom one after another is killed."""

    def __init__(self, url: str, folder: Path, plan: Plan) -> None:
        script = str(WORKER)
        self._words = [sys.executable, script, url, str(folder), str(plan.seconds_each)]
        self._plan = plan
        self._rng = random.Random(plan.seed)
        self._next_kill = time.monotonic()
        self._workers = [self._start() for _ in range(plan.workers)]
        self.kills = 0

    def kill_one(self) -> None:
        """kill -9, and another in its place."""
        chosen = self._rng.randrange(len(self._workers))
        self._workers[chosen].kill()
        self._workers[chosen].wait()
        self._workers[chosen] = self._start()
        self._next_kill = time.monotonic() + self._rng.uniform(0, 2 * self._plan.kill_seconds)
        self.kills += 1
        if self._plan.disturb is not None:
            self._plan.disturb()

    def kill_if_due(self) -> None:
        """At random moments."""
        if time.monotonic() >= self._next_kill:
            self.kill_one()

    def end(self) -> None:
        """In good order."""
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.wait(20)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._words, stderr=subprocess.DEVNULL)


def _open_jobs(database: Database) -> bool:
    """In one statement: a job may go from running back to queued between two."""
    open_ones = "SELECT count(*) FROM job WHERE state IN ('queued', 'running')"
    ((count,),) = _patiently(partial(database.rows, open_ones, {}))
    return bool(count)


def _count(database: Database, store: SqlJobStore, wanted: dict[str, str], report: Report) -> None:
    for job_id, digest in wanted.items():
        job = _patiently(partial(store.find, job_id))
        report.states[job.state.value] += 1
        report.again += job.attempts - 1
        if job.state is State.DONE:
            result = _patiently(partial(store.result, job_id))
            report.wrong += json.loads(result)["sha256"] != digest
    audit = "SELECT count(*), count(DISTINCT id) FROM audit"
    ((count, distinct),) = _patiently(partial(database.rows, audit, {}))
    report.doubled = count - distinct


def _patiently(call: Callable[[], T]) -> T:
    """Again while the database is away, as callers do."""
    while True:
        try:
            return call()
        except HaversackError as error:
            if error.code != "database-away":
                raise
            time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds-each", type=float, default=Plan.seconds_each)
    parser.add_argument("--database")
    parser.add_argument("--cut", action="store_true", help="cut PostgreSQL's connections too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.database or str(Path(folder) / "jobs.sqlite")
        beside = open_database(url)

        def cut() -> None:
            _patiently(partial(beside.rows, CUT, {}))

        plan = Plan(
            jobs=given.jobs,
            workers=given.workers,
            seconds_each=given.seconds_each,
            disturb=cut if given.cut else None,
            limit_seconds=3600,
        )
        report = run(url, Path(folder) / "blobs", plan)
    print(json.dumps(vars(report)))
    sys.exit(not report.is_whole)


if __name__ == "__main__":
    main()
