"""Tells the webhooks of jobs that have ended, from a few threads of a server's own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import msgspec

from haversack.errors import HaversackError
from haversack.jobs.describe import describe
from haversack.jobs.job import Job
from haversack.jobs.kinds import JobKinds
from haversack.jobs.services import JobServices
from haversack.jobs.webhook_post import Resolve, post, resolve
from haversack.jobs.webhook_rules import WebhookRules
from haversack.jobs.webhooks import DueDelivery
from haversack.version import __version__

_log = logging.getLogger("haversack.jobs")
_AT_ONCE = 4
_CHECK_SECONDS = 0.5
_PAUSE_SECONDS = 2.0  # after what nobody foresaw
_LEASE_SECONDS = 60.0
_GONE = 410
# Seconds before the second try and each that follows: for about a day and a half.
DELAYS_SECONDS = (5.0, 60.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0)


class Notifier:
    """Each end of a job is told at least once, or given up after the last delay.

    Promises: `start` returns at once; when `stop` returns nothing is being sent any more. Where
    the database is away it waits and goes on.
    """

    def __init__(
        self,
        services: JobServices,
        rules: WebhookRules,
        look_up: Resolve = resolve,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._services = services
        self._rules = rules
        self._look_up = look_up
        self._clock = clock
        self._ending = threading.Event()
        self._free = threading.Semaphore(_AT_ONCE)
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="webhook")
        self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def stop(self) -> None:
        """Tell no more; see the promises."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self) -> None:
        while not self._ending.is_set():
            if not self._free.acquire(timeout=_CHECK_SECONDS):
                continue
            due = self._next()
            if due is None:
                self._free.release()
                self._ending.wait(_CHECK_SECONDS)
            else:
                self._pool.submit(self._tell, due)

    def _next(self) -> DueDelivery | None:
        try:
            found = self._services.webhooks.claim(1, _LEASE_SECONDS)
        except HaversackError as error:
            _log.debug("webhooks wait: %s", error.message)
            return None
        except Exception:  # a dead thread would end the server, and its photos with it
            _log.exception("looking for webhooks failed; it goes on")
            self._ending.wait(_PAUSE_SECONDS)
            return None
        return found[0] if found else None

    def _tell(self, due: DueDelivery) -> None:
        try:
            job = self._services.store.find(due.job)
            if job.finished is not None:
                self._report(due, job.finished, self._sent(due, job, job.finished))
        except HaversackError as error:
            _log.warning("the webhook of job %s is left to its lease: %s", due.job, error.message)
        except Exception:
            _log.exception("the webhook of job %s failed by our own mistake", due.job)
        finally:
            self._free.release()

    def _sent(self, due: DueDelivery, job: Job, finished: float) -> tuple[bool, str, bool]:
        """Whether it was taken, else why not, and whether another try could help."""
        event_id, timestamp = f"{job.id}.{int(finished * 1000)}", int(self._clock())
        body = event_body(job, self._services.kinds, finished)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"haversack/{__version__}",
            "webhook-id": event_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": self._rules.sign(event_id, timestamp, body),
        }
        try:
            status = post(due.url, body, headers, self._rules, self._look_up)
        except HaversackError as error:
            return False, error.message, True
        return 200 <= status < 300, f"it answered with status {status}", status != _GONE

    def _report(self, due: DueDelivery, finished: float, sent: tuple[bool, str, bool]) -> None:
        was_taken, why, may_help = sent
        hooks = self._services.webhooks
        if was_taken:
            hooks.delivered(due.job, finished)
        elif not may_help or due.attempts > len(DELAYS_SECONDS):
            hooks.give_up(due.job, finished, why)
            _log.warning("the webhook of job %s is given up: %s", due.job, why)
        else:
            hooks.again(due.job, DELAYS_SECONDS[due.attempts - 1], why)


def event_body(job: Job, kinds: JobKinds, finished: float) -> bytes:
    """What is sent. Source of the shape: Standard Webhooks, "Payload structure"."""
    moment = datetime.fromtimestamp(finished, UTC).isoformat(timespec="milliseconds")
    told = {
        "type": f"job.{job.state.value}",
        "timestamp": moment.replace("+00:00", "Z"),
        "data": describe(job, kinds),
    }
    return msgspec.json.encode(told)
