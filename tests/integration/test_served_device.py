"""A server's packs on a second device: opened there, counted there, and never more than fit."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import onnx.parser
import pytest
from tests.integration.held_plane import TARGET, photo, seen
from tests.integration.plane import renamed
from tests.server.running import BLOBS
from tests.unit.packfile.conftest import make_manifest, write_pack
from tests.unit.serve.models.late_sum import LateSum

from haversack.asgi.access import AccessRules
from haversack.asgi.bodies import BodyStore
from haversack.engine.devices import CPU, Device, DeviceMemory
from haversack.engine.ort import device_memory, open_session
from haversack.engine.session import Array, Session, SessionOptions
from haversack.errors import EngineError, HaversackError, Kind
from haversack.packfile.archive import open_pack
from haversack.serve.http.context import Context
from haversack.serve.http.status import described
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.loaded import LoadPolicy
from haversack.serve.models.model import Runtime, ServedModel
from haversack.serve.models.residency import Residency
from haversack.serve.models.sizes import PackBytes, Sizes, estimated_on_device
from haversack.serve.models.start import prepare
from haversack.serve.options import ServeOptions
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.visits import Target, Workers
from haversack.units import format_bytes

GPU: Device = "cuda:1"
MIB = 1 << 20
T = TypeVar("T")


@dataclass
class FakeGpu:
    """A device that runs graphs on the CPU, and whose memory is reckoned by its sessions.

    Attributes:
        free_bytes: now.
        keeps_bytes: what each session of a model takes, and gives back when it is closed.
        others_free_bytes: what another program gives back while a session is opened.
        opened: options of every session.
    """

    free_bytes: int = 4096 * MIB
    keeps_bytes: int = 300 * MIB
    others_free_bytes: int = 0
    opened: list[SessionOptions] = field(default_factory=list)

    def open(self, graph: bytes | Path, options: SessionOptions) -> Session:
        self.opened.append(options)
        session = open_session(graph, replace(options, device=CPU))
        if options.device == GPU:
            self.free_bytes += self.others_free_bytes - self.keeps_bytes
            weakref.finalize(session, self._closed, self.keeps_bytes)
        return session

    def _closed(self, kept_bytes: int) -> None:
        self.free_bytes += kept_bytes

    def read(self, device: Device) -> DeviceMemory:
        assert device == GPU
        return DeviceMemory(whole_bytes=128 << 30, free_bytes=self.free_bytes)


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


ROW_BYTES = MIB // 4
ROWS = """<ir_version: 8, opset_import: ["" : 17]>
rows (float[N, 65536] rows) => (float[N, 65536] doubled) { doubled = Add(rows, rows) }
"""


def rows_pack(folder: Path) -> Path:
    """A pack that takes tensors: `rows` FP32[?,65536], of a quarter of a MiB each."""
    model = onnx.parser.parse_model(ROWS).SerializeToString()
    files = {"model.onnx": model, "samples/first.bin": b"sample"}
    manifest = make_manifest(files, name="rows", task="tensor")
    return write_pack(folder, msgspec.structs.replace(manifest, input=None, labels=()), files)


def rows(size_bytes: int) -> dict[str, Array]:
    """So many bytes of its rows."""
    return {"rows": np.ones((size_bytes // ROW_BYTES, ROW_BYTES // 4), np.float32)}


def next_version(folder: Path) -> Path:
    """Version 2 of the pack `blobs`."""
    target = renamed(folder, "blobs")
    manifest = target / "pack.toml"
    manifest.write_text(manifest.read_text().replace('version = "1"', 'version = "2"', 1))
    return target


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
        # Nobody who could be answered waited behind it.
        with plane.catalogue.use("blobs") as model:
            assert model.turn.budget.most_bytes == 0
        assert (caught.value.code, caught.value.kind) == ("body-too-large", Kind.TOO_LARGE)
        assert f"of the memory of {GPU}" in caught.value.message
        assert "--device-memory" in caught.value.hint


@pytest.mark.parametrize("size_bytes", [ROW_BYTES, 5 * MIB])
def test_rows_are_answered_where_the_device_has_room_for_them(
    tmp_path: Path, size_bytes: int
) -> None:
    gpu = FakeGpu(free_bytes=64 << 30)
    inputs = rows(size_bytes)
    with plane_on(gpu, 60 << 30) as plane:
        model = plane.catalogue.add(rows_pack(tmp_path / "rows"))
        target = Target(name="rows")

        outputs, pack = answered(lambda: plane.tensors.infer(target, inputs, plane.lifetime()))
        assert np.array_equal(outputs["doubled"], 2 * inputs["rows"])
        assert pack.name == "rows"
        gate = plane.devices[GPU]
        assert gate.budget.most_bytes == model.call_bytes(1, GPU) + 4 * size_bytes
        assert gate.used == 0
        assert gate.limit == (60 << 30) - gpu.keeps_bytes


def test_rows_that_the_device_has_no_room_for_are_refused_and_fewer_are_answered(
    tmp_path: Path,
) -> None:
    with plane_on(FakeGpu(), 320 * MIB) as plane:
        plane.catalogue.add(rows_pack(tmp_path / "rows"))
        target = Target(name="rows")

        def ask(size_bytes: int) -> object:
            return answered(lambda: plane.tensors.infer(target, rows(size_bytes), plane.lifetime()))

        with pytest.raises(HaversackError) as caught:
            ask(5 * MIB)
        assert caught.value.code == "body-too-large"
        assert "20 MiB are there for calls" in caught.value.message
        assert caught.value.hint.startswith("Send fewer rows at once")
        assert ask(2 * MIB)


@pytest.mark.parametrize("others_free_mib", [300, 1000])
def test_memory_that_another_program_gave_back_meanwhile_is_not_the_sessions(
    others_free_mib: int,
) -> None:
    gpu = FakeGpu(others_free_bytes=others_free_mib * MIB)
    with plane_on(gpu, 2048 * MIB) as plane:
        model = plane.catalogue.add(BLOBS)
        there = model.size.on(GPU)
        assert there.session_bytes >= (BLOBS / "model.onnx").stat().st_size
        assert there.source == "the size of its weights"
        (part,) = plane.catalogue.loaded_models.policy.residency.devices
        assert part.sessions_bytes == there.session_bytes


def test_a_pack_that_goes_gives_its_memory_back_there(tmp_path: Path) -> None:
    gpu = FakeGpu(free_bytes=1000 * MIB)
    with plane_on(gpu, 900 * MIB) as plane:
        plane.catalogue.add(BLOBS)
        plane.catalogue.add(renamed(tmp_path, "second"), keep_others=True)
        assert gpu.free_bytes == 400 * MIB
        plane.catalogue.unload("second")
        assert gpu.free_bytes == 700 * MIB
        assert plane.devices[GPU].limit == 600 * MIB


def test_a_swap_says_which_memory_was_full(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "haversack.serve")
    one = estimated_on_device(open_pack(BLOBS))
    with plane_on(FakeGpu(), one.session_bytes + one.call_bytes + 64 * MIB) as plane:
        plane.catalogue.add(BLOBS)
        plane.catalogue.add(next_version(tmp_path))
        room = plane.catalogue.loaded_models.policy.residency.devices[0].packs_bytes
        assert plane.catalogue.loaded_models.counts.swaps == 1
    (said,) = [line for line in caplog.messages if "took the place of" in line]
    assert said.startswith("blobs@2 took the place of 1")
    assert said.endswith(f"both do not fit into {format_bytes(room)} on {GPU}")


def test_the_status_is_read_while_another_pack_comes(tmp_path: Path) -> None:
    with plane_on(FakeGpu(), 2048 * MIB) as plane:
        residency = plane.catalogue.loaded_models.policy.residency
        late = LateSum(10)
        there = PackBytes(session_bytes=late, call_bytes=1)
        size = PackBytes(session_bytes=1, call_bytes=1, elsewhere={GPU: there})
        residency.enter("first", size)
        residency.enter("second", size)
        context = Context(
            plane=plane,
            options=plane.options,
            rules=AccessRules(),
            bodies=BodyStore(tmp_path),
            uploads=tmp_path,
        )
        late.meanwhile = partial(residency.enter, "third", size)

        def sessions_bytes() -> object:
            (device,) = described(context)["memory"]["devices"]
            return device["sessions_bytes"]

        assert sessions_bytes() == 20
        assert late.thread is not None
        late.thread.join()
        assert sessions_bytes() == 30


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
