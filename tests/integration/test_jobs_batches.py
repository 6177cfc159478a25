"""Small jobs in one call of a real model: only where the curve pays, and nobody gets another's."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.integration.plane import Running, renamed, running_plane, says
from tests.integration.test_jobs_worker import QUICK, eventually
from tests.server.running import BLOBS

from haversack.jobs.intake import wish
from haversack.jobs.job import Job, State
from haversack.jobs.services import JobLocations, JobServices, open_services
from haversack.jobs.worker import Worker
from haversack.samples.scenes import draw_scene
from haversack.serve.models.gate import Deadline
from haversack.serve.work.predict import PredictHandler

PAYS = {1: 0.05, 2: 0.09, 4: 0.12}
WANTED = ("blobs", "spots", "blobs")
DOES_NOT = {1: 0.05, 2: 0.10, 4: 0.25}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[JobServices]:
    opened = open_services(JobLocations(state=tmp_path / "state"))
    yield opened
    opened.store.close()


@pytest.fixture(scope="module")
def photos() -> list[bytes]:
    """Scenes in which no two have the same animals, of different sizes."""
    drawn = []
    for seed in range(24):
        scene = draw_scene(seed, width=400 + 37 * (seed % 5), height=300 + 41 * (seed % 3))
        file = io.BytesIO()
        Image.fromarray(scene.pixels).save(file, "JPEG" if seed % 2 else "PNG", quality=95)
        drawn.append(file.getvalue())
    return drawn


def submit(services: JobServices, pack: str, photo: bytes, **values: Any) -> Job:
    return services.intake.submit(wish(pack, kind="predict", **values), photo)


def ended(services: JobServices, jobs: list[Job]) -> list[Job]:
    eventually(lambda: all(services.store.find(job.id).state.is_terminal for job in jobs), 60)
    return [services.store.find(job.id) for job in jobs]


def done_by(running: Running, services: JobServices, jobs: list[Job]) -> list[Job]:
    """The jobs, after a worker did them that found them all waiting."""
    worker = Worker(services, [PredictHandler(running.plane, running.loop)], QUICK)
    worker.start()
    try:
        return ended(services, jobs)
    finally:
        worker.stop()


def check_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """The same record, but for the clock and the last digit of a number."""
    assert {**one, "timing": 0, "detections": 0} == {**other, "timing": 0, "detections": 0}
    assert len(one["detections"]) == len(other["detections"])
    for mine, yours in zip(one["detections"], other["detections"], strict=True):
        assert mine["label"] == yours["label"]
        assert mine["score"] == pytest.approx(yours["score"], abs=1e-4)
        assert mine["box"] == pytest.approx(yours["box"], abs=0.02)


@pytest.mark.slow
def test_jobs_done_together_have_the_records_that_they_have_alone(
    services: JobServices, photos: list[bytes], tmp_path: Path
) -> None:
    spots = renamed(tmp_path, "spots")
    for cache, curve in (("alone", DOES_NOT), ("together", PAYS)):
        for pack in (BLOBS, spots):
            says(tmp_path / cache, pack, curve)
    found: dict[str, list[dict[str, Any]]] = {}
    for cache, most in (("alone", 1), ("together", 4)):
        jobs = [
            submit(
                services,
                WANTED[number % 3],
                photo,
                version="1" if number % 3 == 2 else "",
                image=f"{number}.jpg",
                options=json.dumps({"threshold": 0.05 * (number % 4)}),
            )
            for number, photo in enumerate(photos)
        ]
        with running_plane([BLOBS, spots], tmp_path / cache) as running:
            after = done_by(running, services, jobs)
            assert max(running.batches("blobs") | running.batches("spots")) == most
        assert {job.state for job in after} == {State.DONE}
        found[cache] = [json.loads(services.store.result(job.id)) for job in after]
    for number, (alone, together) in enumerate(zip(found["alone"], found["together"], strict=True)):
        assert together["image"] == f"{number}.jpg"
        assert together["pack"] == WANTED[number % 3]
        check_same(together, alone)
    assert len({json.dumps(one["detections"]) for one in found["alone"]}) == len(photos)


def test_without_a_measured_curve_jobs_are_done_one_at_a_time(
    services: JobServices, photos: list[bytes], tmp_path: Path
) -> None:
    with running_plane([BLOBS], tmp_path / "nothing") as running:
        done_by(running, services, [submit(services, "blobs", photo) for photo in photos[:4]])
        assert running.batches("blobs") == {1}


def test_a_batch_is_no_larger_than_the_memory_for_calls(
    services: JobServices, photos: list[bytes], tmp_path: Path
) -> None:
    says(tmp_path, BLOBS, PAYS, row_bytes=400 << 20)
    with running_plane([BLOBS], tmp_path) as running:
        done_by(running, services, [submit(services, "blobs", photo) for photo in photos[:4]])
        assert running.batches("blobs") <= {1, 2}


@pytest.mark.parametrize("broken", [[1], [0, 2], [0, 1, 2, 3]])
def test_a_photo_that_cannot_be_read_fails_its_own_job_only(
    broken: list[int], services: JobServices, photos: list[bytes], tmp_path: Path
) -> None:
    says(tmp_path, BLOBS, PAYS)
    sent = [photo[:300] if n in broken else photo for n, photo in enumerate(photos[:4])]
    sent[broken[0]] = b"no photo at all"
    with running_plane([BLOBS], tmp_path) as running:
        after = done_by(running, services, [submit(services, "blobs", photo) for photo in sent])
        assert running.plane.memory.used == running.plane.workspace.used == 0
    for number, job in enumerate(after):
        assert job.attempts == 1
        if number in broken:
            assert job.state is State.FAILED
            assert job.error_code.startswith("image-")
        else:
            assert job.state is State.DONE


def test_a_job_whose_photo_is_gone_does_not_hold_up_the_others(
    services: JobServices, photos: list[bytes], tmp_path: Path
) -> None:
    says(tmp_path, BLOBS, PAYS)
    jobs = [submit(services, "blobs", photo) for photo in photos[:4]]
    services.blobs.delete(jobs[2].input)
    with running_plane([BLOBS], tmp_path) as running:
        after = done_by(running, services, jobs)
    assert [job.state for job in after] == [State.DONE, State.DONE, State.DEAD, State.DONE]
    assert after[2].error_code == "blob-missing"


def test_the_seconds_of_a_batch_are_shared_among_its_jobs(
    services: JobServices, photos: list[bytes], tmp_path: Path
) -> None:
    says(tmp_path, BLOBS, PAYS)
    began = time.time()
    with running_plane([BLOBS], tmp_path) as running:
        after = done_by(running, services, [submit(services, "blobs", photo) for photo in photos])
    assert 0 < sum(job.seconds for job in after) < time.time() - began


@contextmanager
def no_memory_free(running: Running) -> Iterator[None]:
    """Somebody has all of the memory for photos, for the length of a block."""
    taken, go_on = threading.Event(), threading.Event()

    async def take_all() -> None:
        gate = running.plane.memory
        held = await gate.enter(gate.limit, Deadline(at=running.loop.time() + 60))
        taken.set()
        while not go_on.is_set():
            await asyncio.sleep(0.01)
        held.shrink(0)

    done = asyncio.run_coroutine_threadsafe(take_all(), running.loop)
    assert taken.wait(10)
    try:
        yield
    finally:
        go_on.set()
        done.result(10)


def test_a_batch_that_waits_for_memory_is_handed_back_whole(
    services: JobServices, photos: list[bytes], tmp_path: Path
) -> None:
    says(tmp_path, BLOBS, PAYS)
    jobs = [submit(services, "blobs", photo) for photo in photos[:4]]
    with running_plane([BLOBS], tmp_path) as running:
        handler = PredictHandler(running.plane, running.loop)
        worker = Worker(services, [handler], QUICK)
        with no_memory_free(running):
            worker.start()
            eventually(lambda: running.plane.memory.waiting == 1)
            began = time.monotonic()
            worker.stop()
            assert time.monotonic() - began < 2 * QUICK.drain_seconds + 0.5
            eventually(lambda: running.plane.memory.waiting == 0)
        back = [services.store.find(job.id) for job in jobs]
        assert {(job.state, job.attempts) for job in back} == {(State.QUEUED, 0)}
        assert {job.state for job in done_by(running, services, jobs)} == {State.DONE}
        assert running.batches("blobs") == {4}


def test_a_photo_that_waits_for_memory_is_not_in_memory(
    services: JobServices, tmp_path: Path
) -> None:
    size = 32 << 20
    photo = Image.fromarray(draw_scene(1, width=200, height=200).pixels)
    file = io.BytesIO()
    photo.save(file, "PNG")
    job = submit(services, "blobs", file.getvalue() + b"\0" * size)
    with running_plane([BLOBS], tmp_path) as running:
        tracemalloc.start()
        handler = PredictHandler(running.plane, running.loop)
        worker = Worker(services, [handler], QUICK)
        try:
            with no_memory_free(running):
                worker.start()
                eventually(lambda: running.plane.memory.waiting == 1)
                assert tracemalloc.get_traced_memory()[1] < size // 4
            assert ended(services, [job])[0].state is State.DONE
            assert tracemalloc.get_traced_memory()[1] > size
        finally:
            worker.stop()
            tracemalloc.stop()
