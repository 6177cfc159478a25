"""The object of a job."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from haversack.app.kinds import KINDS
from haversack.errors import HaversackError
from haversack.jobs.describe import describe
from haversack.jobs.job import Fault, Job, State, new_id
from haversack.jobs.store import QueuePosition

JOB = Job(
    id="01",
    kind="predict",
    pack="herd",
    version="",
    wants="herd",
    input="x",
    input_bytes=1,
    input_removed=0,
    image="a.jpg",
    options="{}",
    owner="",
    idempotency_key=None,
    priority=0,
    state=State.QUEUED,
    due=0.0,
    deadline=None,
    attempts=0,
    max_attempts=3,
    worker="",
    progress_done=0,
    progress_total=0,
    error_code="",
    error_message="",
    error_hint="",
    result_bytes=0,
    result_removed=0,
    seconds=0.0,
    created=1_700_000_000.25,
    started=None,
    finished=None,
    revision=1,
)
PLACE = QueuePosition(before=4, photos_before=6, photos=1, workers=2, cost_seconds=3.0)


def test_a_waiting_job_has_position_and_eta() -> None:
    told = describe(JOB, KINDS, PLACE)
    assert (told["position"], told["eta_seconds"]) == (5, 10.5)
    assert told["created"] == "2023-11-14T22:13:20.250Z"
    assert (told["version"], told["error"], told["started"]) == (None, None, None)


def test_a_running_job_has_no_position() -> None:
    told = describe(replace(JOB, state=State.RUNNING), KINDS, PLACE)
    assert (told["position"], told["eta_seconds"]) == (None, 3.0)


def test_an_eta_that_nobody_knows_is_null() -> None:
    assert describe(JOB, KINDS, replace(PLACE, cost_seconds=None))["eta_seconds"] is None


def test_a_removed_result_has_no_link() -> None:
    assert describe(JOB, KINDS)["links"]["result"] == "/jobs/01/result"
    assert describe(replace(JOB, result_removed=1), KINDS)["links"]["result"] is None


def test_only_a_job_of_one_photo_that_is_kept_has_its_photo() -> None:
    def photo(**values: Any) -> str | None:
        found: str | None = describe(replace(JOB, **values), KINDS)["links"]["photo"]
        return found

    assert photo() == "/jobs/01/photo"
    assert photo(input_removed=1) is None
    assert [photo(kind=kind) for kind in ("survey", "request", "of a newer server")] == [None] * 3


def test_an_error_has_code_message_and_hint() -> None:
    failed = replace(JOB, error_code="a-b", error_message="c", error_hint="d")
    assert describe(failed, KINDS)["error"] == {"code": "a-b", "message": "c", "hint": "d"}


def test_ids_sort_by_age_and_have_32_digits() -> None:
    ids = [new_id(seconds, lambda n: "f" * 2 * n) for seconds in (1.0, 2.0, 1e9, 4e9)]
    assert ids == sorted(ids)
    assert {len(one) for one in ids} == {32}


def test_a_fault_keeps_every_detail() -> None:
    error = HaversackError("a-b", "two faults", hint="h", details=("one", "two"))
    assert Fault.of(error) == Fault(code="a-b", message="two faults; one; two", hint="h")
