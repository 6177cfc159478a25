"""Workers whose jobs a command does, for tests; by itself, a worker that can be killed.

python -m tests.integration.commanding STATE
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.bytes_kind import BYTES
from tests.server.running import BLOBS

from haversack.errors import Kind
from haversack.jobs.command.handler import CommandHandler
from haversack.jobs.command.process import Command, CommandLimits
from haversack.jobs.intake import wish
from haversack.jobs.job import Job
from haversack.jobs.lease_keeper import LeaseTimes
from haversack.jobs.services import JobLocations, JobServices, open_services
from haversack.jobs.sql_store import Outside
from haversack.jobs.worker import Worker, WorkerOptions
from haversack.packfile.archive import open_pack
from haversack.serve.models.offers import Offers

ROOT = Path(__file__).parents[2]
MODULE = "tests.integration.bytes_kind"
QUICK = WorkerOptions(
    lease_times=LeaseTimes(lease_seconds=1.0, beat_seconds=0.05, sweep_seconds=0.05),
    idle_seconds=0.05,
    drain_seconds=0.0,
    delay_seconds=dict.fromkeys(Kind, 0.01),
)


def blobs_alone() -> Offers:
    """The pack `blobs` on offer."""
    offers = Offers()
    offers.put(open_pack(BLOBS))
    return offers


@dataclass(frozen=True, kw_only=True)
class Resources:
    """See `jobs.command.handler.CommandResources`."""

    services: JobServices
    packs: Offers
    folder: Path


def opened(state: Path) -> JobServices:
    return open_services(JobLocations(state=state), outside=Outside(lapse_backoff_seconds=0.02))


def handler_of(
    services: JobServices,
    folder: Path,
    limits: CommandLimits | None = None,
    words: tuple[str, ...] = (MODULE,),
) -> CommandHandler:
    resources = Resources(services=services, packs=blobs_alone(), folder=folder)
    command = Command(
        words=words,
        variables={"PYTHONPATH": str(ROOT)},
        limits=limits or CommandLimits(grace_seconds=0.3),
    )
    return CommandHandler(BYTES, command, resources)


@contextmanager
def working(services: JobServices, handler: CommandHandler) -> Iterator[Worker]:
    worker = Worker(services, [handler], QUICK)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def submitted(services: JobServices, act: str, *, attempts: int = 1) -> Job:
    """A job of one photo, as the route of jobs puts it."""
    asked = BYTES.read({"act": act})
    wished = wish("blobs", kind=BYTES.name, options=asked.options, max_attempts=attempts)
    return services.intake.submit(wished, b"a photo")


def main() -> None:
    state = Path(sys.argv[1])
    services = opened(state)
    with working(services, handler_of(services, state / "bytes")):
        threading.Event().wait()


if __name__ == "__main__":
    main()
