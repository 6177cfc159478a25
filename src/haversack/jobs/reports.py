"""What is told to the store when an attempt has ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from haversack.errors import HaversackError, Kind
from haversack.jobs.handler import Outcome, Result
from haversack.jobs.job import Claimed, Fault, ResultCost
from haversack.jobs.store import JobStore

_log = logging.getLogger("haversack.jobs")
# Another attempt would fail alike.
_INPUT_FAULTS = frozenset(
    {Kind.INVALID, Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.TOO_LARGE, Kind.UNSUPPORTED}
)

Report = Callable[[], bool]
"""Tells the store; False where the lease was lost. Raises HaversackError `database-away`."""


@dataclass(frozen=True, kw_only=True)
class Reports:
    """From what an attempt gave to its report.

    Attributes:
        store: that is told.
        delay_seconds: before the second attempt, by the kind of our own fault; doubled each time.
    """

    store: JobStore
    delay_seconds: Mapping[Kind, float]

    def of(self, claimed: Claimed, result: Result, together: int) -> Report:
        """The report; `together` is how many jobs were done in the time that this one took."""
        match result:
            case Outcome():
                cost = ResultCost(files_bytes=result.files_bytes, together=together)
                given = (result.result, result.version, cost)
                return partial(self.store.done, claimed.lease, *given)
            case HaversackError() if result.kind in _INPUT_FAULTS:
                return partial(self.store.fail, claimed.lease, Fault.of(result))
            case HaversackError():
                return self._own_fault(claimed, Fault.of(result), result.kind)
            case MemoryError():
                fault = Fault(code="memory-short", message="there was no memory left for this job")
                return self._own_fault(claimed, fault, Kind.OVERLOADED)
            case _:
                _log.error("job %s failed by our own mistake", claimed.job.id, exc_info=result)
                message = f"our mistake: {type(result).__name__}"
                fault = Fault(code="server-fault", message=message)
                return self._own_fault(claimed, fault, Kind.INTERNAL)

    def _own_fault(self, claimed: Claimed, fault: Fault, kind: Kind) -> Report:
        first = self.delay_seconds.get(kind, self.delay_seconds[Kind.INTERNAL])
        delay = first * 2 ** (claimed.job.attempts - 1)
        return partial(self.store.release, claimed.lease, fault, delay)
