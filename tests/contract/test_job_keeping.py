"""What `JobStore` promises of age and quota, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import pytest
from tests.contract.going import expire_inputs, expire_results
from tests.contract.job_bench import Bench

from haversack.errors import HaversackError
from haversack.jobs.job import (
    Fault,
    Job,
    State,
)
from haversack.jobs.store import Retention

_FAULT = Fault(code="image-truncated", message="it ends early", hint="send it again")


class TestKeeping:
    def _done(self, bench: Bench, size: int) -> Job:
        job = bench.put(input_bytes=size)
        bench.store.done(bench.one().lease, "x" * size, "1")
        bench.clock.pass_(1)
        return job

    def test_results_go_by_quota_oldest_first_and_the_state_stays(self, bench: Bench) -> None:
        jobs = [self._done(bench, 100) for _ in range(5)]
        keep = Retention(result_bytes=250)
        assert expire_results(bench.store, keep, 9) == 3
        assert expire_results(bench.store, keep, 9) == 0
        for job in jobs[:3]:
            with pytest.raises(HaversackError) as caught:
                bench.store.result(job.id)
            assert caught.value.code == "job-result-removed"
            assert bench.state(job) is State.DONE
        assert [bench.store.result(job.id) for job in jobs[3:]] == ["x" * 100] * 2

    def test_results_go_by_age(self, bench: Bench) -> None:
        old = self._done(bench, 1)
        bench.clock.pass_(50)
        new = self._done(bench, 1)
        assert expire_results(bench.store, Retention(result_seconds=50), 9) == 1
        assert bench.store.find(old.id).result_removed
        assert bench.store.result(new.id) == "x"

    def test_inputs_of_ended_jobs_go_by_quota_and_those_that_wait_stay(self, bench: Bench) -> None:
        ended = [self._done(bench, 100) for _ in range(3)]
        waiting = bench.put(input_bytes=150)
        removed = expire_inputs(bench.store, Retention(input_bytes=250), 9)
        assert sorted(removed) == sorted(job.input for job in ended[:2])
        assert bench.store.has_blob(ended[2].input)
        assert not bench.store.has_blob(ended[0].input)
        assert expire_inputs(bench.store, Retention(input_bytes=0, input_seconds=0), 9) == [
            ended[2].input
        ]
        assert bench.store.has_blob(waiting.input)

    def test_a_job_without_its_input_is_not_retried(self, bench: Bench) -> None:
        job = bench.put()
        bench.store.fail(bench.one().lease, _FAULT)
        assert expire_inputs(bench.store, Retention(input_seconds=0), 9) == [job.input]
        with pytest.raises(HaversackError) as caught:
            bench.store.retry(job.id)
        assert caught.value.code == "job-input-removed"

    def test_usage_counts_what_waits_and_what_is_kept(self, bench: Bench) -> None:
        assert (bench.store.usage().queued, bench.store.usage().input_bytes) == (0, 0)
        self._done(bench, 100)
        bench.put(input_bytes=11)
        assert (bench.store.usage().queued, bench.store.usage().input_bytes) == (1, 111)

    def test_a_fact_is_set_once(self, bench: Bench) -> None:
        assert bench.store.fact("blobs", "a") == "a"
        assert bench.store.fact("blobs", "b") == "a"

    def test_what_goes_goes_in_portions_the_oldest_first(self, bench: Bench) -> None:
        jobs = [self._done(bench, 100) for _ in range(5)]
        keep = Retention(result_seconds=0, input_seconds=0)
        assert [expire_results(bench.store, keep, 2) for _ in range(4)] == [2, 2, 1, 0]
        portions = [expire_inputs(bench.store, keep, 2) for _ in range(4)]
        assert [sorted(one) for one in portions] == [
            sorted(job.input for job in some) for some in (jobs[:2], jobs[2:4], jobs[4:], [])
        ]

    def test_a_turn_is_one_holders_until_it_ends_or_its_time_is_over(self, bench: Bench) -> None:
        store = bench.store
        assert store.take_turn("t", "a", 10)
        assert not store.take_turn("t", "b", 10)
        assert store.take_turn("u", "b", 10)
        bench.clock.pass_(9)
        assert store.take_turn("t", "a", 10)
        bench.clock.pass_(9)
        assert not store.take_turn("t", "b", 10)
        store.end_turn("t", "b")
        assert not store.take_turn("t", "b", 10)
        bench.clock.pass_(2)
        assert store.take_turn("t", "b", 10)
        store.end_turn("t", "a")
        assert not store.take_turn("t", "a", 10)
        store.end_turn("t", "b")
        assert store.take_turn("t", "a", 10)

    def test_a_turn_taken_before_the_clock_was_set_back_is_anybodys(self, bench: Bench) -> None:
        store = bench.store
        assert store.take_turn("t", "killed", 10)
        bench.clock.pass_(-30 * 86_400)
        assert store.take_turn("t", "a", 10)
        assert not store.take_turn("t", "b", 10)

    def test_the_input_of_a_job_that_was_retried_since_it_was_found_stays(
        self, bench: Bench
    ) -> None:
        for ends_again in (False, True):
            job = bench.put()
            bench.store.fail(bench.one().lease, _FAULT)
            found = bench.store.old_inputs(Retention(input_seconds=0), 9)
            assert [one.id for one in found] == [job.id]
            bench.clock.pass_(1)
            bench.store.retry(job.id)
            if ends_again:
                bench.store.fail(bench.one().lease, _FAULT)
            assert bench.store.expire_inputs(found) == []
            assert bench.store.has_blob(job.input)
            if not ends_again:
                bench.store.cancel(job.id)
                expire_inputs(bench.store, Retention(input_seconds=0), 9)
