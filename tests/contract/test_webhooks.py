"""What `Webhooks` promises, on SQLite and on a real PostgreSQL; and how old jobs go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contract.databases import Postgres
from tests.contract.going import expire_inputs, expire_results, remove_jobs

from haversack.database.opening import open_database
from haversack.errors import HaversackError
from haversack.jobs.job import Fault, Job, NewJob
from haversack.jobs.limits import JobLimits, read_limits, write_limits
from haversack.jobs.notifier import Notifier
from haversack.jobs.services import JobLocations, open_services
from haversack.jobs.sql_store import Outside, SqlJobStore
from haversack.jobs.store import Claim, Retention
from haversack.jobs.webhook_rules import WebhookRules
from haversack.jobs.webhooks import Delivery, DueDelivery, Webhooks

_URL = "https://example.org/hook"
_FAULT = Fault(code="x", message="y")


class Broken(Webhooks):
    """Fails by our own mistake, each time that it is asked."""

    tries = 0

    def claim(self, count: int, lease_seconds: float) -> list[DueDelivery]:
        self.tries += 1
        raise ZeroDivisionError("ours")


class Bench:
    """A store and its webhooks, on a clock that passes when it is told to."""

    def __init__(self, url: str) -> None:
        self.seconds = 1_000_000.0
        database = open_database(url)
        outside = Outside(clock=lambda: self.seconds - database.clock_offset_seconds)
        self.store = SqlJobStore(database, outside)
        self.hooks = Webhooks(database, self.store.now)

    def put(self, number: int = 1) -> Job:
        new = NewJob(
            id=f"{number:032}", kind="predict", pack="herd", input=f"b{number}", input_bytes=1
        )
        self.hooks.put(new.id, _URL)
        return self.store.put(new)

    def end(self, *, fails: bool = False) -> float:
        (claimed,) = self.store.claim(Claim(kinds=["predict"], packs=["herd"], worker="w"))
        if fails:
            self.store.fail(claimed.lease, _FAULT)
        else:
            self.store.done(claimed.lease, "{}", "1")
        finished = self.store.find(claimed.job.id).finished
        assert finished is not None
        return finished


@pytest.fixture(params=["sqlite", "postgresql"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    url = str(tmp_path / "jobs.sqlite")
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.new_database()
    made = Bench(url)
    yield made
    made.store.close()


def test_nobody_is_told_before_the_end_and_then_one_server_tells(bench: Bench) -> None:
    job = bench.put()
    assert bench.hooks.claim(9, 60) == []
    bench.end()
    assert bench.hooks.claim(9, 60) == [DueDelivery(job=job.id, url=_URL, attempts=1)]
    assert bench.hooks.claim(9, 60) == []
    bench.seconds += 60  # whoever had it was killed
    assert bench.hooks.claim(9, 60) == [DueDelivery(job=job.id, url=_URL, attempts=2)]


def test_what_was_told_is_told_once_and_a_retried_job_once_more(bench: Bench) -> None:
    job = bench.put()
    finished = bench.end(fails=True)
    bench.hooks.claim(1, 60)
    bench.hooks.delivered(job.id, finished)
    assert bench.hooks.find(job.id) == Delivery(state="delivered", attempts=0, error="")
    bench.seconds += 100
    assert bench.hooks.claim(1, 60) == []
    bench.store.retry(job.id)
    assert bench.hooks.claim(1, 60) == []
    bench.end()
    assert bench.hooks.claim(1, 60) == [DueDelivery(job=job.id, url=_URL, attempts=1)]


def test_a_try_that_failed_comes_again_after_its_delay_until_it_is_given_up(bench: Bench) -> None:
    job = bench.put()
    finished = bench.end()
    bench.hooks.claim(1, 60)
    bench.hooks.again(job.id, 300, "no answer")
    assert bench.hooks.find(job.id) == Delivery(state="waiting", attempts=1, error="no answer")
    bench.seconds += 299
    assert bench.hooks.claim(1, 60) == []
    bench.seconds += 1
    assert bench.hooks.claim(1, 60)[0].attempts == 2
    bench.hooks.give_up(job.id, finished, "gone")
    bench.seconds += 10_000
    assert bench.hooks.claim(1, 60) == []
    assert bench.hooks.find(job.id) == Delivery(state="given-up", attempts=0, error="gone")


def test_old_jobs_go_with_their_webhooks_once_nothing_of_them_is_left(bench: Bench) -> None:
    jobs = [bench.put(number) for number in (1, 2, 3)]
    for _ in jobs[:2]:
        bench.end()
    keep = Retention(job_seconds=1000)
    bench.seconds += 5000
    assert remove_jobs(bench.store, keep, 9) == 0  # their photos and results are kept
    expire_inputs(bench.store, Retention(input_seconds=0), 9)
    expire_results(bench.store, Retention(result_seconds=0), 9)
    assert remove_jobs(bench.store, Retention(job_seconds=6000), 9) == 0
    assert remove_jobs(bench.store, keep, 1) == 1
    assert remove_jobs(bench.store, keep, 9) == 1
    with pytest.raises(HaversackError) as caught:
        bench.store.find(jobs[0].id)
    assert caught.value.code == "job-not-found"
    assert bench.store.find(jobs[2].id) == jobs[2]
    assert bench.hooks.remove() == 2
    assert bench.hooks.find(jobs[2].id) is not None


def test_limits_are_the_servers_last_words_and_else_the_defaults(bench: Bench) -> None:
    assert read_limits(bench.store) == JobLimits()
    for queued in (5, 7):
        write_limits(bench.store, JobLimits(queued=queued, keep=Retention(input_bytes=10)))
    limits = read_limits(bench.store)
    assert (limits.queued, limits.keep.input_bytes, limits.input_bytes) == (7, 10, 20)
    bench.store.change_fact("limits", '{"queued": "many", "later": 1}')
    assert read_limits(bench.store) == JobLimits()


def test_a_mistake_of_our_own_does_not_end_the_telling(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    services = open_services(JobLocations(state=tmp_path, database=url))
    hooks = Broken(open_database(url), services.store.now)
    notifier = Notifier(replace(services, webhooks=hooks), WebhookRules(secret=b"k" * 24))
    notifier.start()
    end = time.monotonic() + 20
    while hooks.tries < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    notifier.stop()
    services.store.close()
    assert "looking for webhooks failed; it goes on" in caplog.text
    assert "ZeroDivisionError" in caplog.text
