"""The store of jobs over SQL: one class, two dialects that differ in `claim` only."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from haversack.database.connection import Database, Listener, Row, Value
from haversack.database.migrations import migrate
from haversack.database.named import named_statements
from haversack.errors import HaversackError, Kind
from haversack.jobs.blobs import content_of
from haversack.jobs.job import (
    PLAIN,
    Claimed,
    Fault,
    Job,
    Lease,
    NewJob,
    Progress,
    ResultCost,
    State,
    differs,
    job_not_found,
)
from haversack.jobs.store import Claim, Filter, OldJob, QueuePosition, Retention, Usage

_COLUMNS = tuple(field.name for field in fields(Job))
_LAPSE_BACKOFF_SECONDS = 1.0
_CLOCK_SLACK_SECONDS = 0.1
_ANY_ATTEMPTS = 1 << 30


def _new_token() -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True, kw_only=True)
class Outside:
    """The clock and the tokens that a store uses, and how long a lost worker's job waits.

    Attributes:
        clock: seconds since 1970, of this machine.
        new_token: gives lease tokens.
        lapse_backoff_seconds: times 2^attempts is waited after a worker was lost.
    """

    clock: Callable[[], float] = time.time
    new_token: Callable[[], str] = _new_token
    lapse_backoff_seconds: float = _LAPSE_BACKOFF_SECONDS


class SqlJobStore:
    """Jobs in a database; see `JobStore` for the promises.

    Making one brings the database to this schema; raises what `migrate` raises.
    """

    def __init__(self, database: Database, outside: Outside | None = None) -> None:
        self._database = database
        self._outside = outside or Outside()
        found = named_statements(
            "haversack.jobs", "sql/shared.sql", f"sql/{database.dialect.value}.sql"
        )
        columns = ", ".join(_COLUMNS)
        self._sql = {name: text.replace("$columns", columns) for name, text in found.items()}
        migrate(database)

    def now(self) -> float:
        """By the database's clock."""
        return self._outside.clock() + self._database.clock_offset_seconds

    def put(self, new: NewJob) -> Job:
        """See `JobStore.put`."""
        now = self.now()
        values: dict[str, Value] = {**vars(new), "wants": new.wants}
        del values["wait_seconds"], values["webhook"]
        values["now"] = now
        values["deadline"] = None if new.wait_seconds is None else now + new.wait_seconds
        rows = self._rows("put", values, durable=True)
        if rows:
            return _job(rows[0])
        # Put before: by an earlier try of this call, or under the same key.
        rows = self._rows("find", {"id": new.id}) or self._rows(
            "find_by_key", {"owner": new.owner, "idempotency_key": new.idempotency_key}
        )
        found = _job(rows[0])
        if not _is_same(found, new):
            raise differs(found, new)
        return found

    def claim(self, claim: Claim) -> list[Claimed]:
        """See `JobStore.claim`."""
        now, token = self.now(), self._outside.new_token()
        values: dict[str, Value] = {
            "now": now,
            # Two machines agree on the database's clock to a few milliseconds; a job that was put
            # just now must not wait for the next look.
            "soon": now + _CLOCK_SLACK_SECONDS,
            "until": now + claim.lease_seconds,
            "token": token,
            "worker": claim.worker,
            "count": claim.count,
            "most_attempts": 0 if claim.untried else _ANY_ATTEMPTS,
            "kinds": json.dumps(list(claim.kinds)),
            "packs": json.dumps(list(claim.packs)),
        }
        jobs = [_job(row) for row in self._rows("claim", values)]
        # RETURNING gives rows in no order.
        jobs.sort(key=lambda job: (-job.priority, job.id))
        return [Claimed(job=job, lease=Lease(id=job.id, token=token)) for job in jobs]

    def beat(self, lease: Lease, lease_seconds: float, progress: Progress) -> bool:
        """See `JobStore.beat`."""
        until = self.now() + lease_seconds
        return bool(self._rows("beat", {"until": until, **vars(progress), **vars(lease)}))

    def done(self, lease: Lease, result: str, version: str, cost: ResultCost = PLAIN) -> bool:
        """See `JobStore.done`."""
        values: dict[str, Value] = {"result": result, "version": version}
        values["result_bytes"] = len(result.encode()) + cost.files_bytes
        return self._report("done", lease, **values, together=float(cost.together))

    def fail(self, lease: Lease, fault: Fault) -> bool:
        """See `JobStore.fail`."""
        return self._report("fail", lease, **vars(fault))

    def release(self, lease: Lease, fault: Fault, delay_seconds: float) -> bool:
        """See `JobStore.release`."""
        return self._report("release", lease, delay=float(delay_seconds), **vars(fault))

    def hand_back(self, lease: Lease) -> bool:
        """See `JobStore.hand_back`."""
        return self._report("hand_back", lease)

    def sweep(self) -> list[Job]:
        """See `JobStore.sweep`."""
        now = self.now()
        backoff = self._outside.lapse_backoff_seconds
        rows = self._rows("sweep_lapsed", {"now": now, "backoff": backoff})
        return [_job(row) for row in rows + self._rows("sweep_late", {"now": now})]

    def cancel(self, job_id: str) -> Job:
        """See `JobStore.cancel`."""
        rows = self._rows("cancel", {"id": job_id, "now": self.now()}, durable=True)
        if rows:
            return _job(rows[0])
        raise HaversackError(
            "job-finished",
            f"the job {job_id} is {self.find(job_id).state}; only a job that is queued or running "
            "can be cancelled",
            kind=Kind.CONFLICT,
        )

    def retry(self, job_id: str) -> Job:
        """See `JobStore.retry`."""
        rows = self._rows("retry", {"id": job_id, "now": self.now()}, durable=True)
        if rows:
            return _job(rows[0])
        job = self.find(job_id)
        if job.state in (State.FAILED, State.DEAD):
            raise HaversackError(
                "job-input-removed",
                f"the photo of the job {job_id} is kept no longer",
                hint="Send the photo again as a new job.",
                kind=Kind.GONE,
            )
        raise HaversackError(
            "job-not-retryable",
            f"the job {job_id} is {job.state}; only a job that failed or is dead can be retried",
            kind=Kind.CONFLICT,
        )

    def find(self, job_id: str) -> Job:
        """See `JobStore.find`."""
        rows = self._rows("find", {"id": job_id})
        if not rows:
            raise job_not_found(job_id)
        return _job(rows[0])

    def listed(self, chosen: Filter) -> list[Job]:
        """See `JobStore.listed`."""
        return [_job(row) for row in self._rows("listed", vars(chosen))]

    def queue_position(self, job: Job) -> QueuePosition:
        """See `JobStore.queue_position`."""
        names = ("id", "kind", "priority", "due", "pack")
        ((before, photos_before, workers, cost),) = self._rows(
            "place", {name: getattr(job, name) for name in names}
        )
        return QueuePosition(
            before=before,
            photos_before=int(photos_before),
            photos=max(1, job.progress_total),
            workers=workers,
            cost_seconds=cost,
        )

    def result(self, job_id: str) -> str:
        """See `JobStore.result`."""
        rows = self._rows("result", {"id": job_id})
        if not rows:
            raise job_not_found(job_id)
        state, result = rows[0]
        if state != State.DONE:
            raise HaversackError(
                "job-not-done",
                f"the job {job_id} is {state}; only a job that is done has a result",
                hint="GET the job itself to see how far it is.",
                kind=Kind.CONFLICT,
            )
        if result is None:
            raise HaversackError(
                "job-result-removed",
                f"the result of the job {job_id} is kept no longer",
                hint="Send the photo again as a new job.",
                kind=Kind.GONE,
            )
        return str(result)

    def usage(self) -> Usage:
        """See `JobStore.usage`."""
        ((queued, input_bytes),) = self._rows("usage", {})
        return Usage(queued=queued, input_bytes=int(input_bytes))

    def old_results(self, keep: Retention, most: int) -> list[OldJob]:
        """See `JobStore.old_results`."""
        return self._old("old_results", keep.result_seconds, most, quota=keep.result_bytes)

    def expire_results(self, jobs: Sequence[OldJob]) -> int:
        """See `JobStore.expire_results`."""
        return len(self._rows("expire_results", _keys(jobs)))

    def old_inputs(self, keep: Retention, most: int) -> list[OldJob]:
        """See `JobStore.old_inputs`."""
        return self._old("old_inputs", keep.input_seconds, most, quota=keep.input_bytes)

    def expire_inputs(self, jobs: Sequence[OldJob]) -> list[str]:
        """See `JobStore.expire_inputs`."""
        newest = max((one.finished for one in jobs), default=0.0)
        # Durable: the blobs are deleted next, and no row may then say that they are there.
        rows = self._rows("expire_inputs", {**_keys(jobs), "newest": newest}, durable=True)
        return [row[0] for row in rows]

    def old_jobs(self, keep: Retention, most: int) -> list[OldJob]:
        """See `JobStore.old_jobs`."""
        return self._old("old_jobs", keep.job_seconds, most)

    def remove_jobs(self, jobs: Sequence[OldJob]) -> int:
        """See `JobStore.remove_jobs`."""
        return len(self._rows("remove_jobs", _keys(jobs)))

    def _old(self, name: str, seconds: float, most: int, **values: Value) -> list[OldJob]:
        rows = self._rows(name, {"before": self.now() - seconds, "most": most, **values})
        return [OldJob(id=job_id, finished=finished) for job_id, finished in rows]

    def has_blob(self, name: str) -> bool:
        """See `JobStore.has_blob`."""
        return bool(self._rows("has_blob", {"name": name}))

    def fact(self, name: str, value: str) -> str:
        """See `JobStore.fact`."""
        self._rows("set_fact", {"name": name, "value": value}, durable=True)
        return str(self._rows("fact", {"name": name})[0][0])

    def known_fact(self, name: str) -> str | None:
        """See `JobStore.known_fact`."""
        rows = self._rows("fact", {"name": name})
        return str(rows[0][0]) if rows else None

    def change_fact(self, name: str, value: str) -> None:
        """See `JobStore.change_fact`."""
        self._rows("change_fact", {"name": name, "value": value}, durable=True)

    def take_turn(self, name: str, holder: str, seconds: float) -> bool:
        """See `JobStore.take_turn`."""
        now = self.now()
        value = f"{now + seconds:014.3f} {holder}"
        values: dict[str, Value] = {"name": name, "value": value, "now": now, "holder": holder}
        values["longest"] = now + 2 * seconds  # the clocks of two machines may differ
        return bool(self._rows("take_turn", values))

    def end_turn(self, name: str, holder: str) -> None:
        """See `JobStore.end_turn`."""
        self._rows("end_turn", {"name": name, "holder": holder})

    def listener(self) -> Listener:
        """See `JobStore.listener`."""
        return self._database.listener()

    def close(self) -> None:
        """See `JobStore.close`."""
        self._database.close()

    def _report(self, name: str, lease: Lease, **values: Value) -> bool:
        given = {**values, **vars(lease), "now": self.now()}
        return bool(self._rows(name, given, durable=True))

    def _rows(self, name: str, values: Any, *, durable: bool = False) -> list[Row]:
        return self._database.rows(self._sql[name], values, durable=durable)


def _job(row: Row) -> Job:
    values = dict(zip(_COLUMNS, row, strict=True))
    return Job(**{**values, "state": State(values["state"])})


def _keys(jobs: Sequence[OldJob]) -> dict[str, Value]:
    return {"keys": json.dumps([one.id for one in jobs])}


def _is_same(found: Job, new: NewJob) -> bool:
    """Whether a job was put for the same thing: by its blob's content, and what was asked.

    What decides no result is not compared: a photo sent again may have another name or priority,
    and whoever asks again has less time left.
    """
    if not new.input and found.id != new.id:  # its photos are files under its id: another upload
        return False
    return (_asked(found), content_of(found.input)) == (_asked(new), content_of(new.input))


def _asked(job: Job | NewJob) -> tuple[str, ...]:
    return job.kind, job.wants, job.options
