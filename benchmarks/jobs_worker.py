"""A worker whose jobs say what they were given.

    python benchmarks/jobs_worker.py DATABASE BLOBS SECONDS

It is there to be killed by `benchmarks/jobs_chaos.py`.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from haversack.errors import HaversackError
from haversack.jobs.handler import Attempt, Outcome
from haversack.jobs.lease_keeper import LeaseTimes
from haversack.jobs.services import JobLocations, open_services
from haversack.jobs.sql_store import Outside
from haversack.jobs.worker import Worker, WorkerOptions

PACK = "echo"
LEASE_SECONDS = 1.0


class Echo:
    """The checksum of the input, after a while."""

    kind = "predict"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def packs(self) -> Sequence[str]:
        return [PACK]

    def run(self, attempt: Attempt) -> Outcome:
        with attempt.opened_input() as data:
            checksum = sha256(data).hexdigest()
        attempt.unwanted.wait(random.uniform(0, 2 * self._seconds))
        found = {"sha256": checksum, "attempt": attempt.job.attempts}
        return Outcome(result=json.dumps(found), version="1")

    def tidy(self) -> None:
        """Nothing is left."""


def main() -> None:
    database, blobs, seconds = sys.argv[1:]
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    options = WorkerOptions(
        lease_times=LeaseTimes(lease_seconds=LEASE_SECONDS, beat_seconds=0.2, sweep_seconds=0.2),
        idle_seconds=0.2,
        away_seconds=0.1,
    )
    while True:
        try:
            outside = Outside(lapse_backoff_seconds=0.02)
            places = JobLocations(state=Path(blobs).parent, database=database, blobs=blobs)
            services = open_services(places, outside=outside)
            break
        except HaversackError as error:
            # Started while the database is away, which a service's restarts would do.
            print(error.message, file=sys.stderr)
            ended.wait(0.1)
    worker = Worker(services, [Echo(float(seconds))], options)
    worker.start()
    ended.wait()
    worker.stop()
    services.store.close()


if __name__ == "__main__":
    main()
