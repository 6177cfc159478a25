"""What `JobStore` promises, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.contract.job_bench import Bench

from haversack.database.opening import open_database
from haversack.errors import HaversackError
from haversack.jobs.job import (
    Fault,
    NewJob,
    Progress,
    ResultCost,
    State,
)
from haversack.jobs.sql_store import Outside, SqlJobStore
from haversack.jobs.store import Claim, Filter

_FAULT = Fault(code="image-truncated", message="it ends early", hint="send it again")


class TestPutting:
    def test_a_put_job_is_found_queued_with_what_was_given(self, bench: Bench) -> None:
        job = bench.put(image="dog.jpg", options='{"threshold":0.5}', owner="ada", version="2")
        found = bench.store.find(job.id)
        assert found == job
        assert (found.state, found.image, found.owner, found.wants) == (
            State.QUEUED,
            "dog.jpg",
            "ada",
            "herd@2",
        )
        assert found.created == found.due == bench.clock()

    def test_the_same_key_of_the_same_owner_gives_the_same_job_in_any_state(
        self, bench: Bench
    ) -> None:
        first = bench.put(idempotency_key="k", owner="ada")
        assert bench.put(idempotency_key="k", owner="ada").id == first.id
        assert bench.put(idempotency_key="k", owner="bob").id != first.id
        bench.store.cancel(first.id)
        assert bench.put(idempotency_key="k", owner="ada").state is State.CANCELLED

    def test_the_same_key_for_something_else_is_refused(self, bench: Bench) -> None:
        bench.put(idempotency_key="k")
        for other in ({"options": '{"map":true}'}, {"input": "1" * 64 + ".x"}, {"pack": "seals"}):
            with pytest.raises(HaversackError) as caught:
                bench.put(**{"idempotency_key": "k", **other})
            assert caught.value.code == "idempotency-key-reused"

    def test_putting_the_same_id_twice_makes_one_job(self, bench: Bench) -> None:
        new = NewJob(id="f" * 32, kind="predict", pack="herd", input="0" * 64 + ".f", input_bytes=1)
        assert bench.store.put(new) == bench.store.put(new)
        assert len(bench.store.listed(Filter())) == 1

    def test_a_job_is_there_after_the_store_is_opened_anew(self, bench: Bench) -> None:
        job = bench.put()
        bench.store.close()
        again = SqlJobStore(open_database(bench.url))
        assert again.find(job.id) == job
        again.close()

    def test_an_unknown_job_is_not_found(self, bench: Bench) -> None:
        for ask in (bench.store.find, bench.store.cancel, bench.store.retry, bench.store.result):
            with pytest.raises(HaversackError) as caught:
                ask("nowhere")
            assert caught.value.code == "job-not-found"


class TestClaiming:
    def test_the_oldest_of_the_highest_priority_comes_first(self, bench: Bench) -> None:
        low, high, later = bench.put(), bench.put(priority=5), bench.put(priority=5)
        assert [one.job.id for one in bench.claim(number=3)] == [high.id, later.id, low.id]

    def test_jobs_put_in_the_same_moment_are_claimed_in_the_order_they_were_put(
        self, bench: Bench
    ) -> None:
        put = [bench.put().id for _ in range(20)]
        assert [bench.one().job.id for _ in range(20)] == put

    def test_a_worker_gets_only_kinds_packs_and_versions_that_it_has(self, bench: Bench) -> None:
        bench.put("seals"), bench.put("herd", version="1"), bench.put("herd", kind="survey")
        assert bench.claim("herd", "herd@2") == []
        assert len(bench.claim("herd", "herd@1", number=9)) == 1
        assert [one.job.pack for one in bench.claim("seals", number=9)] == ["seals"]
        assert bench.claim("it's", number=9) == []

    def test_a_claimed_job_is_running_with_a_lease_and_nobody_else_gets_it(
        self, bench: Bench
    ) -> None:
        job = bench.put()
        claimed = bench.one().job
        assert (claimed.id, claimed.state, claimed.attempts) == (job.id, State.RUNNING, 1)
        assert (claimed.due, claimed.started, claimed.worker) == (
            bench.clock() + 30,
            bench.clock(),
            "w1",
        )
        assert bench.claim() == []

    def test_who_wants_untried_jobs_gets_no_others(self, bench: Bench) -> None:
        tried, back, new = bench.put(), bench.put(), bench.put()
        first, second = bench.claim(number=2)
        assert {first.job.id, second.job.id} == {tried.id, back.id}
        bench.store.release(first.lease, _FAULT, 0)
        bench.store.hand_back(second.lease)
        untried = Claim(kinds=["predict"], packs=["herd"], worker="w", count=9, untried=True)
        assert {one.job.id for one in bench.store.claim(untried)} == {back.id, new.id}
        assert bench.one().job.id == tried.id

    def test_many_workers_at_once_never_get_the_same_job(self, bench: Bench) -> None:
        put = {bench.put().id for _ in range(120)}

        def take_all() -> list[str]:
            database = open_database(bench.url)
            own = SqlJobStore(
                database, Outside(clock=lambda: bench.clock() - database.clock_offset_seconds)
            )
            found = []
            while claimed := own.claim(Claim(kinds=["predict"], packs=["herd"], worker="w")):
                found += [one.job.id for one in claimed]
            own.close()
            return found

        with ThreadPoolExecutor(4) as pool:
            taken = [one for part in pool.map(lambda _: take_all(), range(4)) for one in part]
        assert len(taken) == len(set(taken))
        assert set(taken) == put


class TestReporting:
    def test_a_result_is_kept_with_the_version_that_made_it(self, bench: Bench) -> None:
        bench.put()
        claimed = bench.one()
        bench.clock.pass_(2)
        assert bench.store.done(claimed.lease, '{"a":"é"}', "7")
        found = bench.store.find(claimed.job.id)
        assert (found.state, found.version, found.seconds) == (State.DONE, "7", 2)
        assert (found.finished, found.result_bytes) == (bench.clock(), 10)
        assert bench.store.result(found.id) == '{"a":"é"}'

    def test_of_jobs_done_together_each_has_its_share_of_the_time(self, bench: Bench) -> None:
        bench.put()
        claimed = bench.one()
        bench.clock.pass_(2)
        assert bench.store.done(claimed.lease, "{}", "7", ResultCost(together=4))
        assert bench.store.find(claimed.job.id).seconds == 0.5

    def test_no_result_is_given_before_it_is_done(self, bench: Bench) -> None:
        job = bench.put()
        with pytest.raises(HaversackError) as caught:
            bench.store.result(job.id)
        assert caught.value.code == "job-not-done"

    def test_the_inputs_fault_is_failed_with_its_reason(self, bench: Bench) -> None:
        bench.put()
        claimed = bench.one()
        assert bench.store.fail(claimed.lease, _FAULT)
        found = bench.store.find(claimed.job.id)
        assert (found.state, found.error_code, found.error_message, found.error_hint) == (
            State.FAILED,
            _FAULT.code,
            _FAULT.message,
            _FAULT.hint,
        )

    def test_our_own_fault_is_tried_again_later_and_the_third_one_is_death(
        self, bench: Bench
    ) -> None:
        job = bench.put()
        for attempt in (1, 2, 3):
            claimed = bench.one()
            assert claimed.job.attempts == attempt
            assert bench.store.release(claimed.lease, _FAULT, 5)
            assert bench.claim() == []
            bench.clock.pass_(5)
        assert bench.state(job) is State.DEAD
        assert bench.claim() == []
        assert bench.store.find(job.id).error_code == _FAULT.code

    def test_a_job_handed_back_is_there_at_once_and_no_attempt_is_counted(
        self, bench: Bench
    ) -> None:
        bench.put()
        for _ in range(5):
            claimed = bench.one()
            assert claimed.job.attempts == 1
            assert bench.store.hand_back(claimed.lease)
        assert not bench.store.hand_back(claimed.lease)

    def test_expired_lease_is_taken_by_another_worker_and_the_late_report_is_refused(
        self, bench: Bench
    ) -> None:
        bench.put()
        first = bench.one()
        bench.clock.pass_(30)
        (lapsed,) = bench.store.sweep()
        assert (lapsed.state, lapsed.error_code) == (State.QUEUED, "worker-lost")
        assert bench.claim() == []
        bench.clock.pass_(2)
        second = bench.claim(worker="w2")[0]
        assert second.job.attempts == 2
        for late in (
            bench.store.done(first.lease, "{}", "1"),
            bench.store.fail(first.lease, _FAULT),
            bench.store.release(first.lease, _FAULT, 0),
            bench.store.hand_back(first.lease),
            bench.store.beat(first.lease, 30, Progress()),
        ):
            assert not late
        assert bench.store.done(second.lease, "[]", "1")
        assert bench.store.result(second.job.id) == "[]"
        assert not bench.store.done(second.lease, "{}", "1")
        assert bench.store.find(second.job.id).error_code == ""

    def test_a_worker_that_was_slow_but_has_lost_nothing_yet_may_report(self, bench: Bench) -> None:
        bench.put()
        claimed = bench.one()
        bench.clock.pass_(100)
        assert bench.store.done(claimed.lease, "{}", "1")
        assert bench.store.sweep() == []

    def test_a_heartbeat_keeps_the_lease_and_tells_progress(self, bench: Bench) -> None:
        job = bench.put()
        claimed = bench.one()
        for step in range(5):
            bench.clock.pass_(20)
            assert bench.store.beat(claimed.lease, 30, Progress(step, 5))
            assert bench.store.sweep() == []
        found = bench.store.find(job.id)
        assert (found.progress_done, found.progress_total) == (4, 5)
        before = found.revision
        assert bench.store.beat(claimed.lease, 30, Progress(4, 5))
        assert bench.store.find(job.id).revision == before

    def test_a_job_that_ends_its_worker_three_times_is_dead_with_the_reason(
        self, bench: Bench
    ) -> None:
        job = bench.put()
        waits = []
        for _ in range(3):
            while not bench.claim():
                bench.clock.pass_(1)
            bench.clock.pass_(30)
            (lapsed,) = bench.store.sweep()
            waits.append(lapsed.due - bench.clock())
        found = bench.store.find(job.id)
        assert (found.state, found.error_code) == (State.DEAD, "worker-lost")
        assert found.error_message == "the worker w1 stopped answering during attempt 3 of 3"
        assert waits[:2] == [2, 4]
        bench.clock.pass_(1e6)
        assert bench.claim() == []


class TestCallers:
    def test_a_waiting_job_is_cancelled_and_never_claimed(self, bench: Bench) -> None:
        job = bench.put()
        assert bench.store.cancel(job.id).state is State.CANCELLED
        assert bench.claim() == []

    def test_a_running_job_is_cancelled_and_its_worker_learns_of_it(self, bench: Bench) -> None:
        bench.put()
        claimed = bench.one()
        assert bench.store.cancel(claimed.job.id).state is State.CANCELLED
        assert not bench.store.beat(claimed.lease, 30, Progress())
        assert not bench.store.done(claimed.lease, "{}", "1")
        assert bench.state(claimed.job) is State.CANCELLED

    def test_what_has_ended_cannot_be_cancelled(self, bench: Bench) -> None:
        bench.put()
        claimed = bench.one()
        bench.store.done(claimed.lease, "{}", "1")
        with pytest.raises(HaversackError) as caught:
            bench.store.cancel(claimed.job.id)
        assert caught.value.code == "job-finished"

    def test_a_failed_job_is_retried_once_more_for_each_retry(self, bench: Bench) -> None:
        job = bench.put()
        bench.store.fail(bench.one().lease, _FAULT)
        again = bench.store.retry(job.id)
        assert (again.state, again.error_code, again.finished) == (State.QUEUED, "", None)
        bench.store.release(bench.one().lease, _FAULT, 0)
        assert bench.state(job) is State.DEAD
        bench.store.retry(job.id)
        assert bench.store.done(bench.one().lease, "{}", "1")
        with pytest.raises(HaversackError) as caught:
            bench.store.retry(job.id)
        assert caught.value.code == "job-not-retryable"

    def test_a_job_whose_deadline_passed_unstarted_expires_and_is_not_claimed(
        self, bench: Bench
    ) -> None:
        late, started = bench.put(wait_seconds=10), bench.put(wait_seconds=10, priority=1)
        bench.one()
        bench.clock.pass_(10)
        assert bench.claim() == []
        assert [job.id for job in bench.store.sweep()] == [late.id]
        assert bench.state(late) is State.EXPIRED
        assert bench.state(started) is State.RUNNING

    def test_lists_are_newest_first_by_pages_and_filters(self, bench: Bench) -> None:
        put = []
        for number in range(7):
            put.append(bench.put("herd" if number % 2 else "seals", owner="ab"[number % 2]).id)
            bench.clock.pass_(1)
        pages, after = [], None
        while page := bench.store.listed(Filter(limit=3, after=after)):
            pages.append([job.id for job in page])
            after = page[-1].id
        assert [len(page) for page in pages] == [3, 3, 1]
        assert [one for page in pages for one in page] == put[::-1]
        assert len(bench.store.listed(Filter(pack="seals"))) == 4
        assert len(bench.store.listed(Filter(owner="b"))) == 3
        bench.one()
        assert len(bench.store.listed(Filter(state=State.RUNNING))) == 1
        assert bench.store.listed(Filter(after="nowhere")) == []

    def test_place_and_eta_come_from_the_line_and_from_what_jobs_took(self, bench: Bench) -> None:
        bench.put()
        assert bench.store.queue_position(bench.put()).cost_seconds is None
        done = bench.one()
        bench.clock.pass_(4)
        bench.store.done(done.lease, "{}", "1")
        bench.claim()
        bench.put(), bench.put()
        place = bench.store.queue_position(bench.put())
        assert (place.before, place.photos_before, place.workers, place.cost_seconds) == (
            2,
            3,
            1,
            4,
        )
        assert place.eta_seconds == 16

    def test_revision_rises_with_every_change(self, bench: Bench) -> None:
        job = bench.put()
        seen = [job.revision]
        claimed = bench.one()
        for change in (
            lambda: True,
            lambda: bench.store.beat(claimed.lease, 30, Progress(1, 2)),
            lambda: bench.store.fail(claimed.lease, _FAULT),
            lambda: bench.store.retry(job.id),
            lambda: bench.store.cancel(job.id),
        ):
            change()
            seen.append(bench.store.find(job.id).revision)
        assert seen == sorted(set(seen))


class TestWaiting:
    def _waits(self, bench: Bench, change: Callable[[], object]) -> float:
        """Seconds from the change until a listener returns."""
        listener = bench.store.listener()
        for _ in range(3):  # what came before
            listener.wait(0.05)
        woken: list[float] = []

        def wait() -> None:
            listener.wait(10)
            woken.append(time.perf_counter())

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.1)
        began = time.perf_counter()
        change()
        thread.join()
        listener.close()
        return woken[0] - began

    def test_a_put_wakes_who_waits(self, bench: Bench) -> None:
        assert self._waits(bench, bench.put) < 2

    def test_a_retry_wakes_who_waits(self, bench: Bench) -> None:
        job = bench.put()
        bench.store.fail(bench.one().lease, _FAULT)
        assert self._waits(bench, lambda: bench.store.retry(job.id)) < 2

    def test_a_change_between_two_waits_ends_the_second_at_once(self, bench: Bench) -> None:
        listener = bench.store.listener()
        for _ in range(3):
            listener.wait(0.05)
        bench.put()
        began = time.perf_counter()
        listener.wait(10)
        listener.close()
        assert time.perf_counter() - began < 2


class TestSchema:
    def test_a_newer_schema_is_refused(self, bench: Bench) -> None:
        with bench.database.alone() as run:
            run("INSERT INTO haversack_schema (version) VALUES (999)", {})
        with pytest.raises(HaversackError) as caught:
            SqlJobStore(bench.database)
        assert caught.value.code == "database-newer"

    def test_several_processes_may_open_a_new_database_at_once(self, url: str) -> None:
        def open_it() -> None:
            SqlJobStore(open_database(url)).close()

        with ThreadPoolExecutor(4) as pool:
            for made in [pool.submit(open_it) for _ in range(4)]:
                made.result()
