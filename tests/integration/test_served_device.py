"""A server's packs on a second device: opened there, counted there, and never more than fit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.integration.held_plane import TARGET, photo, seen
from tests.integration.plane import renamed
from tests.server.running import BLOBS

from haversack.engine.devices import CPU, Device, DeviceMemory
from haversack.engine.ort import device_memory, open_session
from haversack.engine.session import Session, SessionOptions
from haversack.errors import EngineError, HaversackError, Kind
from haversack.packfile.archive import open_pack
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.loaded import LoadPolicy
from haversack.serve.models.model import Runtime, ServedModel
from haversack.serve.models.residency import Residency
from haversack.serve.models.sizes import Sizes, estimated_on_device
from haversack.serve.models.start import prepare
from haversack.serve.options import ServeOptions
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.visits import Workers

GPU: Device = "cuda:1"
MIB = 1 << 20
T = TypeVar("T")


@dataclass
class FakeGpu:
    """A device that runs graphs on the CPU, and whose memory is reckoned by its sessions.

    Attributes:
        free_bytes: now.
        keeps_bytes: what each session of a model takes and keeps.
        opened: options of every session.
    """

    free_bytes: int = 4096 * MIB
    keeps_bytes: int = 300 * MIB
    opened: list[SessionOptions] = field(default_factory=list)

    def open(self, graph: bytes | Path, options: SessionOptions) -> Session:
        self.opened.append(options)
        if options.device == GPU:
            self.free_bytes -= self.keeps_bytes
        return open_session(graph, replace(options, device=CPU))

    def read(self, device: Device) -> DeviceMemory:
        assert device == GPU
        return DeviceMemory(whole_bytes=8192 * MIB, free_bytes=self.free_bytes)


@contextmanager
def plane_on(gpu: FakeGpu, room_bytes: int) -> Iterator[DataPlane]:
    """A data plane whose models run there."""
    options = ServeOptions(threads=1, device=GPU, device_memory_bytes=room_bytes)
    policy = LoadPolicy(
        residency=Residency(2048 * MIB, 2, {GPU: room_bytes}), sizes=Sizes(device=GPU)
    )
    runtime = Runtime(open_session=gpu.open, read_device=gpu.read)
    open_model = partial(ServedModel, options=options, runtime=runtime)
    with ThreadPoolExecutor(2) as decoding, ThreadPoolExecutor(2) as inferring:
        workers = Workers(decoding=decoding, inferring=inferring)
        yield DataPlane(Catalogue(open_model, (), policy), workers, options)


def answered(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    async def main() -> T:
        return await work()

    return asyncio.run(main())


def test_a_model_is_opened_on_the_device_and_its_fit_on_the_cpu() -> None:
    gpu = FakeGpu()
    with plane_on(gpu, 2048 * MIB) as plane:
        model = plane.catalogue.add(BLOBS)
    fit, network = gpu.opened
    assert (fit.device, network.device) == (CPU, GPU)
    assert (network.gives_back, network.device_bytes) == (True, 2048 * MIB)
    assert model.device == GPU


def test_what_a_session_keeps_there_is_measured_and_a_call_is_estimated() -> None:
    with plane_on(FakeGpu(keeps_bytes=123 * MIB), 2048 * MIB) as plane:
        model = plane.catalogue.add(BLOBS)
        (part,) = plane.catalogue.loaded_models.policy.residency.devices
        there, estimate = model.size.on(GPU), estimated_on_device(model.files)
        assert (there.session_bytes, there.source) == (123 * MIB, "measured here")
        assert there.call_bytes == estimate.call_bytes
        assert part.sessions_bytes == 123 * MIB
        # Of its own memory the process keeps what the graph takes there, and not the device's.
        assert model.size.session_bytes < 123 * MIB


def test_photos_are_answered_with_the_devices_memory_held() -> None:
    with plane_on(FakeGpu(), 2048 * MIB) as plane:
        model = plane.catalogue.add(BLOBS)

        assert answered(lambda: plane.photos.predict(TARGET, photo(), seen)) == "1"
        gate = plane.devices[GPU]
        assert gate.budget.most_bytes == model.call_bytes(1, GPU)
        assert gate.used == 0


def test_a_call_that_could_never_fit_the_device_is_refused() -> None:
    with plane_on(FakeGpu(), 1024 * MIB) as plane:
        plane.catalogue.add(BLOBS)
        plane.devices[GPU].budget.resize(1)
        with pytest.raises(HaversackError) as caught:
            answered(lambda: plane.photos.predict(TARGET, photo(), seen))
        assert (caught.value.code, caught.value.kind) == ("body-too-large", Kind.TOO_LARGE)
        assert f"of the memory of {GPU}" in caught.value.message
        assert "--device-memory" in caught.value.hint


def test_a_pack_makes_room_for_another_where_only_the_device_is_full(tmp_path: Path) -> None:
    gpu = FakeGpu(keeps_bytes=100 * MIB)
    one = estimated_on_device(open_pack(BLOBS))
    with plane_on(gpu, one.session_bytes + one.call_bytes + 64 * MIB) as plane:
        loaded = plane.catalogue.loaded_models
        plane.catalogue.add(BLOBS)
        plane.catalogue.add(renamed(tmp_path, "second"), keep_others=True)
        assert [key[0] for key in loaded.loaded()] == ["second"]
        assert loaded.counts.evictions == 1


def test_a_pack_that_must_stay_leaves_no_room_and_the_refusal_names_the_device(
    tmp_path: Path,
) -> None:
    one = estimated_on_device(open_pack(BLOBS))
    with plane_on(FakeGpu(), one.session_bytes + one.call_bytes + 64 * MIB) as plane:
        plane.catalogue.add(BLOBS, pin=True)
        with pytest.raises(HaversackError) as caught:
            plane.catalogue.add(renamed(tmp_path, "second"), keep_others=True)
        assert caught.value.code == "memory-too-small"
        assert f"for packs on {GPU}" in caught.value.message
        assert "--device-memory" in caught.value.hint
        assert [key[0] for key in plane.catalogue.loaded_models.loaded()] == ["blobs"]


def test_a_start_takes_what_is_free_there_less_a_tenth() -> None:
    options = ServeOptions(device=GPU)
    start = prepare([BLOBS], options, None, read_device=FakeGpu(free_bytes=1000 * MIB).read)
    assert start.devices == {GPU: 900 * MIB}
    assert start.options.device_memory_bytes == 900 * MIB


def test_a_start_without_the_device_is_refused_and_never_on_the_cpu() -> None:
    with pytest.raises(EngineError) as caught:
        prepare([BLOBS], ServeOptions(device="cuda:7"), None)
    assert caught.value.code == "device-missing"
    assert "device 'cuda:7' was asked for" in caught.value.message


@pytest.mark.gpu
def test_a_real_gpu_answers_and_gives_a_calls_memory_back() -> None:
    start = prepare([BLOBS], ServeOptions(threads=1, device="cuda"), None)
    policy = LoadPolicy(
        residency=Residency(2048 * MIB, 2, start.devices), sizes=Sizes(device="cuda")
    )
    catalogue = Catalogue(partial(ServedModel, options=start.options), (), policy)
    with ThreadPoolExecutor(2) as decoding, ThreadPoolExecutor(2) as inferring:
        workers = Workers(decoding=decoding, inferring=inferring)
        plane = DataPlane(catalogue, workers, start.options)
        catalogue.add(BLOBS)
        before = device_memory("cuda").free_bytes
        for _ in range(3):
            assert answered(lambda: plane.photos.predict(TARGET, photo(), seen)) == "1"
        assert device_memory("cuda").free_bytes >= before - 16 * MIB
    (part,) = policy.residency.devices
    assert 0 < part.sessions_bytes < part.packs_bytes
