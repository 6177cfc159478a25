"""A request has one deadline, and one patience for all its waits together."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.integration.held_plane import TARGET, Barred, asked, held_plane, patient, photo, until
from tests.server.running import PHOTO

from haversack.errors import HaversackError
from haversack.serve.models.gate import Deadline, Held
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.encoded_photo import PhotoBytes
from haversack.serve.plane.request_lifetime import RequestLifetime
from haversack.serve.protocols.answering import SentBody
from haversack.serve.protocols.v1 import V1Predict
from haversack.serve.protocols.v2 import V2Infer

OFFER = patient(100.0)
ENCODED = base64.b64encode(PHOTO.read_bytes()).decode()


class Skipping(asyncio.SelectorEventLoop):
    """A loop whose clock can be put forward."""

    skipped = 0.0

    def time(self) -> float:
        return super().time() + self.skipped


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=Skipping) as runner:
        runner.run(work())


async def skip(seconds: float) -> None:
    """So much later, and everyone has seen it."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Skipping)
    loop.skipped += seconds
    for _ in range(3):
        await asyncio.sleep(0)


def v2(plane: DataPlane, timeout_seconds: float = 0) -> Coroutine[Any, Any, Any]:
    told = {"name": "x", "shape": [1], "datatype": "BYTES", "data": [ENCODED]}
    body: dict[str, object] = {"inputs": [told]}
    if timeout_seconds:
        body["parameters"] = {"timeout": int(timeout_seconds * 1e6)}
    return V2Infer(plane).answer(TARGET, SentBody(body=PhotoBytes(json.dumps(body).encode())))


def v1(plane: DataPlane, count: int) -> Coroutine[Any, Any, Any]:
    body = json.dumps({"instances": [{"b64": ENCODED}] * count}).encode()
    return V1Predict(plane).answer(TARGET, SentBody(body=PhotoBytes(body)))


async def all_memory(plane: DataPlane) -> Held:
    """Somebody has all of the memory for photos."""
    return await plane.memory.enter(plane.memory.limit, Deadline(at=1e12))


async def refusal(task: asyncio.Task[Any]) -> str:
    """The code of a refusal that comes now."""
    done, _ = await asyncio.wait([task], timeout=5)
    assert done, "it waits still"
    with pytest.raises(HaversackError) as caught:
        await task
    return caught.value.code


@pytest.mark.parametrize(
    ("own_seconds", "code"), [(0, "too-busy"), (80, "deadline-passed"), (200, "too-busy")]
)
def test_waiting_for_a_load_and_for_memory_is_one_wait(own_seconds: float, code: str) -> None:
    async def work() -> None:
        async with held_plane(lambda: None, options=OFFER) as plane:
            # Somebody loads, and holds up all other loads.
            loaded_models, go_on, loads = (
                plane.catalogue.loaded_models,
                threading.Event(),
                threading.Event(),
            )

            def load_long() -> None:
                with loaded_models.loading:
                    loaded_models.remove("blobs", None)
                    loads.set()
                    go_on.wait(20)

            loading = asyncio.create_task(asyncio.to_thread(load_long))
            await until(loads.is_set)
            others = await all_memory(plane)
            task = asyncio.create_task(v2(plane, own_seconds))
            await asyncio.sleep(0.01)
            await skip(70)
            go_on.set()
            await loading
            await until(lambda: plane.memory.waiting > 0)
            await skip(35)
            assert await refusal(task) == code
            others.shrink(0)

    run(work)


async def refused_in_its_second_wait(plane: DataPlane, asking: Coroutine[Any, Any, Any]) -> None:
    """70 s for the first memory and 35 s for the next, of 100 s in all."""
    others = await all_memory(plane)
    task = asyncio.create_task(asking)
    await until(lambda: plane.memory.waiting == 1)
    behind = asyncio.create_task(all_memory(plane))
    await until(lambda: plane.memory.waiting == 2)
    await skip(70)
    others.shrink(0)
    others = await behind
    await until(lambda: plane.memory.waiting == 1)
    await skip(35)
    assert await refusal(task) == "too-busy"
    others.shrink(0)


def test_the_waits_of_a_requests_instances_are_one_wait() -> None:
    async def work() -> None:
        async with held_plane(lambda: None, options=OFFER) as plane:
            await refused_in_its_second_wait(plane, v1(plane, 2))

    run(work)


def test_the_time_in_which_a_request_is_worked_on_is_no_wait() -> None:
    async def work() -> None:
        bar = Barred()
        async with held_plane(bar, options=OFFER) as plane:
            others = await all_memory(plane)
            task = asyncio.create_task(v1(plane, 2))
            await until(lambda: plane.memory.waiting == 1)
            others.shrink(0)
            await until(lambda: bar.inside == 1)
            await skip(500)
            behind = asyncio.create_task(all_memory(plane))
            await until(lambda: plane.memory.waiting == 1)
            bar.let_go()
            others = await behind
            await until(lambda: plane.memory.waiting == 1)
            others.shrink(0)
            assert len(json.loads((await task).content)["predictions"]) == 2

    run(work)


def test_jobs_that_are_done_in_several_calls_wait_once() -> None:
    async def work() -> None:
        async with held_plane(lambda: None, options=OFFER) as plane:
            # No memory for calls of two: each photo has a call of its own.
            plane.workspace.budget.resize(1)
            await refused_in_its_second_wait(plane, plane.photos.predict_together(TARGET, asked(2)))

    run(work)


def test_who_has_waited_before_has_his_whole_patience_the_next_time() -> None:
    async def work() -> None:
        async with held_plane(lambda: None, options=OFFER) as plane:
            for _ in range(2):
                others = await all_memory(plane)
                task = asyncio.create_task(plane.photos.predict(TARGET, photo(), lambda *_: 1))
                await until(lambda: plane.memory.waiting == 1)
                await skip(70)
                others.shrink(0)
                assert await task == 1

    run(work)


def test_waits_side_by_side_take_their_time_once() -> None:
    async def work() -> None:
        lifetime = RequestLifetime(30.0)

        async def wait() -> None:
            with lifetime.waiting():
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                await asyncio.sleep(0)

        waits = [asyncio.create_task(wait()) for _ in range(40)]
        await asyncio.sleep(0)
        await skip(10.0)
        await asyncio.gather(*waits)
        with lifetime.waiting() as deadline:
            left = deadline.at - asyncio.get_running_loop().time()
        assert left == pytest.approx(20.0, abs=1.0)

    run(work)
