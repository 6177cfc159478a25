"""What goes on as long as a server does ends with a word, or begins again."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from haversack.app.standing import going_on, watched_threads


def test_work_that_fails_is_told_of_and_begun_again(caplog: pytest.LogCaptureFixture) -> None:
    faults = [RuntimeError("first"), OSError("second"), MemoryError("third")]

    async def work() -> None:
        if faults:
            raise faults.pop(0)

    with caplog.at_level(logging.ERROR):
        asyncio.run(going_on("tidying", work, pause_seconds=0))
    assert [record.getMessage() for record in caplog.records] == [
        "tidying failed; it begins again in 0 s"
    ] * 3
    assert all(record.exc_info for record in caplog.records)


def test_work_that_is_cancelled_ends() -> None:
    async def work() -> None:
        task = asyncio.create_task(going_on("waiting", asyncio.Event().wait))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())


def die(name: str) -> None:
    def run() -> None:
        raise RuntimeError(f"{name} has a mistake")

    thread = threading.Thread(target=run, name=name)
    thread.start()
    thread.join()


def test_a_watched_thread_that_dies_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    died: list[str] = []
    before = threading.excepthook
    with caplog.at_level(logging.CRITICAL), watched_threads(["keeper", "worker"], died.append):
        die("keeper")
    assert threading.excepthook is before
    assert died == ["keeper"]
    (record,) = caplog.records
    assert record.getMessage() == "the thread keeper died"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "keeper has a mistake"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_another_thread_that_dies_is_nobodys_end() -> None:
    died: list[str] = []
    with watched_threads(["keeper"], died.append):
        die("other")
    assert died == []
