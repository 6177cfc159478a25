"""A job as programs see it: the object of `GET /jobs/{id}`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from haversack.jobs.job import Job, State
from haversack.jobs.kinds import JobKinds
from haversack.jobs.store import QueuePosition


def describe(job: Job, kinds: JobKinds, position: QueuePosition | None = None) -> dict[str, Any]:
    """One job.

    Args:
        kinds: that are known here.
        position: of a job that waits or runs; without it position and eta_seconds are null.
    """
    address = f"/jobs/{job.id}"
    return {
        "id": job.id,
        "state": job.state.value,
        "kind": job.kind,
        "pack": job.pack,
        "version": job.version or None,
        "image": job.image,
        "photos": max(1, job.progress_total),
        "position": position.before + 1 if position and job.state is State.QUEUED else None,
        "progress": {"done": job.progress_done, "total": job.progress_total},
        "eta_seconds": _eta(job, position),
        "created": _time(job.created),
        "started": _time(job.started),
        "finished": _time(job.finished),
        "attempts": job.attempts,
        "error": _error(job),
        "links": {
            "self": address,
            "events": f"{address}/events",
            "result": None if job.result_removed else f"{address}/result",
            "photo": f"{address}/photo" if kinds.has_photo(job) else None,
        },
    }


def _eta(job: Job, position: QueuePosition | None) -> float | None:
    """Of one that runs: what its worker says, else the cost of its photos that are left."""
    if position is None:
        return None
    eta = position.eta_seconds
    if job.state is State.RUNNING:
        left = max(1, job.progress_total - job.progress_done)
        cost = position.cost_seconds
        eta = job.seconds or (None if cost is None else cost * left)
    return None if eta is None else round(eta, 3)


def _error(job: Job) -> dict[str, str] | None:
    if not job.error_code:
        return None
    return {"code": job.error_code, "message": job.error_message, "hint": job.error_hint}


def _time(seconds: float | None) -> str | None:
    """As RFC 3339, to the millisecond."""
    if seconds is None:
        return None
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
