"""Whoever is cancelled is gone at once; what his threads use stays counted until they end."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import pytest
from tests.integration.held_plane import (
    TARGET,
    Barred,
    asked,
    held_plane,
    photo,
    seen,
    until,
)
from tests.server.running import PHOTO

from haversack.asgi.bodies import Body, BodyStore
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.work.waiting import wanted

Work = Callable[[DataPlane], Coroutine[Any, Any, Any]]


def in_use(plane: DataPlane) -> tuple[int, int, int, int, int]:
    """Turns, workspace, memory, parsed JSON and leases of the one model."""
    (model,) = plane.catalogue.models()
    gates = (model.turn, plane.workspace, plane.memory, plane.json)
    used = [gate.used for gate in gates]
    return used[0], used[1], used[2], used[3], model.users


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Ended at once: a thread that is held ends only when the test says so."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await task


@contextlib.asynccontextmanager
async def held_call(
    work: Work, method: str = "infer"
) -> AsyncIterator[tuple[DataPlane, Barred, asyncio.Task[Any]]]:
    """A request whose thread is held; it goes on when the block ends."""
    bar = Barred()
    async with held_plane(bar, method) as plane:
        task = asyncio.create_task(work(plane))
        try:
            await until(lambda: bar.inside > 0)
            yield plane, bar, task
        finally:
            bar.let_go()


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await work()

    asyncio.run(main())


def predict(plane: DataPlane) -> Coroutine[Any, Any, str]:
    return plane.photos.predict(TARGET, photo(), seen)


def test_however_many_are_cancelled_no_more_calls_of_a_model_run_at_once() -> None:
    async def work() -> None:
        async with held_call(predict) as (plane, bar, first):
            others = [asyncio.create_task(predict(plane)) for _ in range(3)]
            await cancelled(first)
            for one in others[:2]:
                await asyncio.sleep(0.05)
                await cancelled(one)
            await asyncio.sleep(0.05)
            assert (bar.came, bar.most) == (1, 1)
            bar.let_go()
            assert await others[2] == "1"
            assert (bar.came, bar.most) == (2, 1)
            await until(lambda: in_use(plane) == (0, 0, 0, 0, 0))

    run(work)


@pytest.mark.parametrize("method", ["decode", "fit", "infer"])
@pytest.mark.parametrize("count", [1, 3])
def test_a_photo_whose_caller_left_is_counted_until_its_thread_ends(
    method: str, count: int
) -> None:
    def work_of(plane: DataPlane) -> Coroutine[Any, Any, Any]:
        return predict(plane) if count == 1 else plane.photos.predict_together(TARGET, asked(count))

    async def work() -> None:
        async with held_call(work_of, method) as (plane, bar, task):
            before = in_use(plane)
            assert before[2] > 0
            assert before[4] == 1
            await cancelled(task)
            assert in_use(plane) == before
            bar.let_go()
            await until(lambda: in_use(plane) == (0, 0, 0, 0, 0))

    run(work)


def test_a_model_that_was_unloaded_is_counted_until_the_thread_of_a_cancelled_call_ends() -> None:
    async def work() -> None:
        async with held_call(predict) as (plane, bar, task):
            residency = plane.catalogue.loaded_models.policy.residency
            sessions = residency.sessions_bytes
            await cancelled(task)
            plane.catalogue.unload("blobs")
            assert residency.sessions_bytes == sessions > 0
            bar.let_go()
            await until(lambda: residency.sessions_bytes == 0)

    run(work)


def test_work_that_no_thread_has_begun_is_dropped_and_gives_back_at_once() -> None:
    async def work() -> None:
        async with held_call(predict, "decode") as (plane, bar, first):
            before = in_use(plane)
            second = asyncio.create_task(predict(plane))
            await until(lambda: plane.memory.used > before[2])
            await asyncio.sleep(0.05)
            await cancelled(second)
            assert in_use(plane) == before
            bar.let_go()
            await first
            await until(lambda: in_use(plane) == (0, 0, 0, 0, 0))
            assert bar.came == 1

    run(work)


def test_json_whose_caller_left_is_counted_until_it_is_parsed() -> None:
    bar = Barred()

    async def work() -> None:
        async with held_plane(lambda: None) as plane:
            held = plane.parsing.parsed(bar, 100_000, plane.lifetime())
            task = asyncio.create_task(held.__aenter__())
            await until(lambda: bar.inside > 0)
            before = in_use(plane)
            assert before[2] > 0
            assert before[3] > 0
            await cancelled(task)
            assert in_use(plane) == before
            bar.let_go()
            await until(lambda: in_use(plane) == (0, 0, 0, 0, 0))

    run(work)


@pytest.mark.parametrize("memory_bytes", [1 << 20, 0])
def test_a_body_stays_open_while_a_thread_reads_it(
    memory_bytes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = BodyStore(tmp_path_factory.mktemp("bodies"), memory_bytes)
    body = Body(store)

    async def asking(plane: DataPlane) -> None:
        try:
            await plane.photos.predict(TARGET, body, seen)
        finally:
            body.close()

    async def work() -> None:
        body.append(PHOTO.read_bytes())
        await body.settle()
        async with held_call(asking, "decode") as (_, bar, task):
            await cancelled(task)
            assert body.read() == PHOTO.read_bytes()
            assert isinstance(body.view(), mmap.mmap) or not store.take(memory_bytes)
            bar.let_go()
            await until(lambda: closed(body, store, memory_bytes))

    run(work)


def closed(body: Body, store: BodyStore, memory_bytes: int) -> bool:
    """Whether its memory, or its file, was let go."""
    try:
        is_in_file = isinstance(body.view(), mmap.mmap)
    except ValueError:
        return True
    return not is_in_file and store.take(memory_bytes)


def test_a_job_that_is_broken_off_is_so_at_once_and_keeps_its_turn() -> None:
    async def work() -> None:
        bar, unwanted, ended = Barred(), threading.Event(), threading.Event()
        loop = asyncio.get_running_loop()
        async with held_plane(bar) as plane:

            def job() -> None:
                with pytest.raises(Exception, match="broken off"):
                    wanted(loop, [unwanted], predict(plane))
                ended.set()

            thread = threading.Thread(target=job)
            thread.start()
            try:
                await until(lambda: bar.inside > 0)
                before = in_use(plane)
                unwanted.set()
                await until(ended.is_set)
                assert bar.inside == 1
                assert in_use(plane) == before
            finally:
                bar.let_go()
            await until(lambda: in_use(plane) == (0, 0, 0, 0, 0))
            thread.join()

    run(work)


def test_a_thread_that_ends_as_its_caller_leaves_gives_back_too() -> None:
    async def work() -> None:
        async with held_plane(lambda: None) as plane:
            for ticks in range(20):
                task = asyncio.create_task(predict(plane))
                for _ in range(ticks):
                    await asyncio.sleep(0.0002)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            await until(lambda: in_use(plane) == (0, 0, 0, 0, 0))

    run(work)
