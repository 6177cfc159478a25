"""A worker that dies of the photo "poison", as of a model that runs out of memory.

python -m tests.integration.poisoned_worker STATE
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from haversack.jobs.handler import Attempt, Outcome, Result
from haversack.jobs.job import Job
from haversack.jobs.lease_keeper import LeaseTimes
from haversack.jobs.services import JobLocations, open_services
from haversack.jobs.sql_store import Outside
from haversack.jobs.worker import Worker, WorkerOptions

POISON = b"poison"


class Mortal:
    """Echoes, up to eight at once; one photo kills it."""

    kind = "predict"

    def packs(self) -> Sequence[str]:
        return ["herd"]

    def most_at_once(self, job: Job) -> int:
        return 8

    def run(self, attempt: Attempt) -> Outcome:
        with attempt.opened_input() as data:
            if data[:] == POISON:
                os.kill(os.getpid(), signal.SIGKILL)
            return Outcome(result=f'"{bytes(data[:]).decode()}"', version="1")

    def run_together(self, attempts: Sequence[Attempt]) -> Sequence[Result]:
        return [self.run(attempt) for attempt in attempts]

    def tidy(self) -> None:
        """Nothing is left."""


def main() -> None:
    state = Path(sys.argv[1])
    lease_times = LeaseTimes(lease_seconds=0.4, beat_seconds=0.1, sweep_seconds=0.1)
    services = open_services(JobLocations(state=state), outside=Outside(lapse_backoff_seconds=0.02))
    options = WorkerOptions(lease_times=lease_times, idle_seconds=0.1)
    worker = Worker(services, [Mortal()], options)
    worker.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
