"""How many jobs may wait, and how long what belongs to them is kept.

Servers and workers of one database agree on it: a server writes what it was told into the
database, and everyone else reads it there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from haversack.jobs.store import JobStore, Retention

_FACT = "limits"
_PHOTOS_TAKEN_IN = 2  # times the quota of photos: tidying comes once a minute


@dataclass(frozen=True, kw_only=True)
class JobLimits:
    """What holds for a database's jobs.

    Attributes:
        queued: jobs that may wait.
        keep: how long and how much is kept of jobs that ended.
    """

    queued: int = 100_000
    keep: Retention = field(default_factory=Retention)

    @property
    def input_bytes(self) -> int:
        """Of photos that are kept, beyond which more jobs are refused."""
        return _PHOTOS_TAKEN_IN * self.keep.input_bytes


def write_limits(store: JobStore, limits: JobLimits) -> None:
    """From now on these hold for everyone on that database. Raises `database-away`."""
    store.change_fact(_FACT, msgspec.json.encode(limits).decode())


def read_limits(store: JobStore) -> JobLimits:
    """What a server wrote last, else the defaults. Raises `database-away`.

    What a newer Haversack wrote beside it means nothing here; what an older one did not write, or
    nobody can read, is the default.
    """
    text = store.known_fact(_FACT)
    if text is None:
        return JobLimits()
    try:
        return msgspec.json.decode(text, type=JobLimits)
    except msgspec.DecodeError:
        return JobLimits()
