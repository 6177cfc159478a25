"""One pack as a server keeps it: its predictor, its turn, its counts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Self

import numpy as np

from haversack.engine.devices import CPU, Device, DeviceReader
from haversack.engine.limits import forget_peak, peak_bytes
from haversack.engine.ort import device_memory, open_session
from haversack.engine.predictor import Predictor, PredictorOptions
from haversack.engine.results import PackIdentity
from haversack.engine.session import Array, SessionOpener, SessionOptions
from haversack.engine.tasks.table import task_of
from haversack.engine.tensors import NUMPY
from haversack.errors import EngineError
from haversack.measure.memory import rested_bytes
from haversack.packfile.archive import PackFiles
from haversack.packfile.manifest import Manifest
from haversack.packfile.signature import Signature, TensorSpec
from haversack.serve.models.gate import Gate
from haversack.serve.models.sizes import PackBytes, measured_on_device
from haversack.serve.models.statistics import Statistics
from haversack.serve.options import ServeOptions

QUICK_SECONDS = 0.0005
"""A model this quick runs on the event loop: handing it to a thread and back costs more."""

_SMALL_BYTES = 64 << 10
_FREE_SIDE = 1


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What models stand on.

    Attributes:
        open_session: opens a graph on a device.
        read_device: tells a device's own memory.
    """

    open_session: SessionOpener = open_session
    read_device: DeviceReader = device_memory


@dataclass(frozen=True, kw_only=True)
class Takes:
    """What callers of a pack send. A loaded one's is made once: every request asks for it.

    Attributes:
        photos: whether that is a photo; named tensors otherwise.
        signature: what a tensor protocol shows: for photos one input `image`.
    """

    photos: bool
    signature: Signature

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """As its pack.toml says."""
        shown = task_of(manifest).shown(manifest.signature)
        return cls(photos=manifest.takes_photos, signature=shown)


class ServedModel:
    """One version of one pack, loaded.

    Attributes:
        predictor: does the work; may be called from any thread.
        turn: as many calls of the model at once as the options say.
        statistics: since it was loaded.
        files: the pack itself.
        takes: what its callers send.
        device: that the model runs on.
        is_quick: whether a small request is answered without a thread.
        load_seconds: opening and warming took.
        warm_seconds: the last call of the warming took.
        measured: what it took in memory, true where nothing else ran; None where none can tell.
        size: what is reckoned with; its catalogue knows the best source.
        users: requests that hold it now; its catalogue counts them.
        used_at: when one began last, on its catalogue's clock.
    """

    def __init__(
        self, files: PackFiles, options: ServeOptions, runtime: Runtime | None = None
    ) -> None:
        runtime = runtime or Runtime()
        self._began = time.perf_counter()
        self._rested = rested_bytes()
        self._read_device = runtime.read_device
        self.device = options.device
        self._device_free = self._free_on_device()
        forget_peak()
        session = SessionOptions(
            device=options.device,
            threads=options.threads,
            spin_between_calls=False,
            device_bytes=options.device_memory_bytes,
            gives_back=True,
        )
        self.predictor = Predictor(
            files,
            PredictorOptions(session=session, decode_limit_bytes=options.decode_limit_bytes),
            runtime.open_session,
        )
        self.files = files
        self.takes = Takes.of(files.manifest)
        self.turn = Gate(options.turns)
        self.statistics = Statistics()
        self.is_quick = False
        self.load_seconds = self.warm_seconds = 0.0
        self.measured: PackBytes | None = None
        self.size = PackBytes(session_bytes=0, call_bytes=0)
        self.users = 0
        self.used_at = 0.0
        self._opening_peak = peak_bytes()

    @property
    def identity(self) -> PackIdentity:
        """Its name, version, task and labels."""
        return self.predictor.identity

    @property
    def manifest(self) -> Manifest:
        """Its pack.toml."""
        return self.predictor.manifest

    def warm(self) -> None:
        """Run twice on blanks; the second time says how quick the model is."""
        try:
            self._run_blank()
            opened, can_tell = rested_bytes(), forget_peak()
            began = time.perf_counter()
            self._run_blank()
        except EngineError:
            # Some graphs refuse blank tensors; that says nothing about others.
            if self.predictor.takes_photos:
                raise
        else:
            self.warm_seconds = time.perf_counter() - began
            # On a device every call waits for its memory there.
            self.is_quick = self.device == CPU and self.warm_seconds <= QUICK_SECONDS
            if can_tell:
                self.measured = self._measured(opened)
        self.load_seconds = time.perf_counter() - self._began

    def _measured(self, opened_bytes: int) -> PackBytes:
        """What growth of the process says, the last call being the highest since."""
        kept = max(opened_bytes - self._rested, 0)
        return PackBytes(
            session_bytes=kept,
            call_bytes=max(peak_bytes() - opened_bytes, 0),
            row_bytes=max(peak_bytes() - opened_bytes, 0),
            opening_bytes=max(self._opening_peak - self._rested - kept, 0),
            source="measured here",
            elsewhere=self._measured_on_device(),
        )

    def _measured_on_device(self) -> dict[Device, PackBytes]:
        """What it keeps there after a call gave its memory back. Empty on the CPU."""
        if self.device == CPU:
            return {}
        kept = self._device_free - self._free_on_device()
        return {self.device: measured_on_device(self.files, kept)}

    def _free_on_device(self) -> int:
        return 0 if self.device == CPU else self._read_device(self.device).free_bytes

    def runs_inline(self, inputs: dict[str, Array]) -> bool:
        """Whether these inputs are answered on the event loop, without a thread."""
        return self.is_quick and sum(array.nbytes for array in inputs.values()) <= _SMALL_BYTES

    def call_bytes(self, rows: int = 1, device: Device = CPU) -> int:
        """What one call takes of a device's memory while it runs, for so many photos or rows."""
        return self.size.on(device).call_of(rows)

    def tensor_bytes(self, inputs: dict[str, Array], rows: int, device: Device = CPU) -> int:
        """What a call for these tensors takes of a device's memory beyond one for a single row.

        Where nobody measured rows: four times the tensors, as copies and activations.
        """
        sent = sum(array.nbytes for array in inputs.values())
        return max(self.size.on(device).row_bytes * (rows - 1), 4 * sent)

    def _run_blank(self) -> None:
        """One call: a blank frame, or blank tensors of the least size."""
        if self.predictor.takes_photos:
            self.predictor.warm()
        else:
            inputs = self.manifest.signature.inputs
            self.predictor.run({spec.name: _blank(spec) for spec in inputs})


def _blank(spec: TensorSpec) -> Array:
    shape = tuple(side if side > 0 else _FREE_SIDE for side in spec.shape)
    if spec.datatype == "BYTES":
        return np.full(shape, "", dtype=np.object_)
    return np.zeros(shape, dtype=NUMPY[spec.datatype])
