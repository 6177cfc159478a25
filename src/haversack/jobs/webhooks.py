"""Whom to tell when a job has ended: rows beside the jobs, so that no restart forgets one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from haversack.database.connection import Database, Row, Value
from haversack.database.named import named_statements

_ORPHAN_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class DueDelivery:
    """One that is to be told now: `attempts` counts this one."""

    job: str
    url: str
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How far it is: `state` is "waiting", "delivered" or "given-up"."""

    state: str
    attempts: int
    error: str


class Webhooks:
    """Webhooks by job, in the database of a `JobStore`.

    Promises:
        threads: any thread and any process may call.
        at least once: what `put` kept is claimed after the job has ended, and again after the
            lease, until it is told or given up; a job that is retried is told of once more.
        away: every method raises `database-away` where the database cannot be reached.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._sql = named_statements("haversack.jobs", "sql/webhooks.sql")

    def put(self, job_id: str, url: str) -> None:
        """Before the job itself, so that none is accepted without it.

        In the place of what an earlier try left; of a job that was put before nothing changes.
        """
        self._run("put", job=job_id, url=url, now=self._now())

    def drop(self, job_id: str) -> None:
        """Forget the address of a job that was never put."""
        self._run("drop", job=job_id)

    def address(self, job_id: str) -> str | None:
        """The address to post to; None where there is none."""
        rows = self._run("address", job=job_id)
        return str(rows[0][0]) if rows else None

    def claim(self, count: int, lease_seconds: float) -> list[DueDelivery]:
        """Those of jobs that have ended, for so long."""
        now = self._now()
        rows = self._run("claim", now=now, until=now + lease_seconds, count=count)
        return [DueDelivery(job=job, url=url, attempts=attempts) for job, url, attempts in rows]

    def delivered(self, job_id: str, finished: float) -> None:
        """The post about the end at that time was answered."""
        self._end(job_id, finished, "delivered", "")

    def give_up(self, job_id: str, finished: float, error: str) -> None:
        """The end at that time is posted no more."""
        self._end(job_id, finished, "given-up", error)

    def again(self, job_id: str, delay_seconds: float, error: str) -> None:
        """To be tried later."""
        self._run("again", job=job_id, due=self._now() + delay_seconds, error=error)

    def find(self, job_id: str) -> Delivery | None:
        """How far the delivery is; None where there is no address."""
        rows = self._run("find", job=job_id)
        if not rows:
            return None
        state, attempts, error = rows[0]
        return Delivery(state=state, attempts=attempts, error=error)

    def remove(self) -> int:
        """Take away those of jobs that are gone, or never came; returns how many."""
        return len(self._run("remove", before=self._now() - _ORPHAN_SECONDS))

    def _end(self, job_id: str, finished: float, state: str, error: str) -> None:
        now = self._now()
        self._run("told", job=job_id, finished=finished, state=state, error=error, now=now)

    def _run(self, _statement: str, **values: Value) -> list[Row]:
        return self._database.rows(self._sql[_statement], values, durable=True)
