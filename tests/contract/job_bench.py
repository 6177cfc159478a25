"""A store of jobs whose clock passes when it is told to."""

from __future__ import annotations

from itertools import count

from haversack.database.connection import Database
from haversack.database.opening import open_database
from haversack.jobs.job import (
    Claimed,
    Job,
    NewJob,
    State,
    new_id,
)
from haversack.jobs.sql_store import Outside, SqlJobStore
from haversack.jobs.store import Claim, JobStore

_SERIAL = count()


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds


class Bench:
    """A store with its clock."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = Clock()
        self.database: Database = open_database(url)
        self.outside = Outside(clock=self._machine_clock)
        self.store: JobStore = SqlJobStore(self.database, self.outside)

    def _machine_clock(self) -> float:
        """So that the store's own clock is `clock`, whatever the database's says."""
        return self.clock() - self.database.clock_offset_seconds

    def put(self, pack: str = "herd", **values: object) -> Job:
        job_id = new_id(self.clock(), lambda n: f"{next(_SERIAL):0{2 * n}x}")
        given: dict[str, object] = {
            "kind": "predict",
            "input": f"{'0' * 64}.{job_id}",
            "input_bytes": 10,
            **values,
        }
        return self.store.put(NewJob(id=job_id, pack=pack, **given))  # type: ignore[arg-type]

    def claim(self, *packs: str, number: int = 1, worker: str = "w1") -> list[Claimed]:
        return self.store.claim(
            Claim(
                kinds=["predict"],
                packs=packs or ("herd",),
                worker=worker,
                lease_seconds=30,
                count=number,
            )
        )

    def one(self) -> Claimed:
        (claimed,) = self.claim()
        return claimed

    def state(self, job: Job) -> State:
        return self.store.find(job.id).state
