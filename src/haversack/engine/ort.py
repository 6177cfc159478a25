"""ONNX Runtime as a Session: the only door to onnxruntime."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

# The official builds of 1.29 and later keep a device id and events below ~/.cache/Microsoft, and
# send them. They read this once, while they are loaded. What a person has set is left as it is.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

from haversack.engine.cpus import usable_cpus
from haversack.engine.devices import (
    CPU,
    Device,
    DeviceMemory,
    device_missing,
    driver_memory,
    family,
    number,
)
from haversack.engine.session import Array, SessionOptions
from haversack.errors import EngineError, Kind
from haversack.packfile.signature import Signature, TensorSpec

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
# tf32 moved YOLOX-Nano's scores by 0.05 and boxes by 36 px, and 2 of 107 rows were others; without
# it scores are the CPU's within 0.00001, for 16 to 24 % fewer tiles a second of the graph alone. An
# exhaustive search times kernels, may take another one in another run, with other bits, and took
# 5 s for each new batch size; the heuristic takes half of that, and 2 to 6 % at the graph.
_CUDA_OPTIONS = {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}
# Open Inference V2 datatypes by ONNX Runtime's own names.
_DATATYPES = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}
# What goes wrong is raised with its words; the same words in red on standard error help nobody.
_FATAL_ONLY = 4
_NOTHING = contextlib.nullcontext()


class OrtSession:
    """A graph in ONNX Runtime. Keeps every promise of `Session`."""

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        run_options: onnxruntime.RunOptions | None = None,
    ) -> None:
        self._session = session
        self._run_options = run_options
        # A NodeArg would keep the whole session alive after a switch: only plain values are kept.
        self._signature = Signature(
            inputs=tuple(_spec(node) for node in session.get_inputs()),
            outputs=tuple(_spec(node) for node in session.get_outputs()),
        )
        self._names = [spec.name for spec in self._signature.outputs]

    @property
    def signature(self) -> Signature:
        """The graph's inputs and outputs, in its order."""
        return self._signature

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Every output by name; see `Session.run`."""
        try:
            values = self._session.run(self._names, dict(inputs), self._run_options)
        except Exception as fault:  # onnxruntime raises a dozen classes without a common root
            raise EngineError(
                "run-failed",
                f"the graph could not be run: {_first_line(fault)}",
                hint="Compare the inputs with the signature that `haversack pack inspect` prints.",
                kind=Kind.INTERNAL,
            ) from fault
        return dict(zip(self._names, values, strict=True))


def open_session(graph: bytes | Path, options: SessionOptions) -> OrtSession:
    """A session for an ONNX graph, on the device asked for and no other.

    The memory arena is off: it keeps the largest request's memory for ever (measured in
    docs/explanation/performance.md).

    Raises:
        EngineError: `device-missing` where this onnxruntime or machine cannot use the device;
            `device-unknown`; `graph-refused` where the runtime cannot load the graph.
    """
    provider = _provider(options.device)
    if options.device != CPU:
        _load_cuda_once()
    settings = onnxruntime.SessionOptions()
    settings.enable_cpu_mem_arena = False
    # A planned block is mapped anew in each call, beside what the first call left: 5 MB more and
    # 2,000 page faults a photo for YOLOX-Nano.
    settings.enable_mem_pattern = False
    threads = usable_cpus() if options.threads is None else options.threads
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    if not options.spin_between_calls:
        settings.add_session_config_entry("session.force_spinning_stop", "1")
    settings.log_severity_level = _FATAL_ONLY
    source = graph if isinstance(graph, bytes) else str(graph)
    chosen = (provider, _provider_options(options))
    try:
        # It prints why it takes the CPU instead, which must not come between records.
        with contextlib.redirect_stdout(sys.stderr) if options.device != CPU else _NOTHING:
            session = onnxruntime.InferenceSession(source, settings, providers=[chosen])
    except Exception as fault:  # onnxruntime raises a dozen classes without a common root
        raise EngineError(
            "graph-refused",
            f"ONNX Runtime {onnxruntime.__version__} cannot load the graph: {_first_line(fault)}",
            hint="Export the model again with opset 18 or lower, and without custom operators.",
        ) from fault
    if session.get_providers()[0] != provider:
        raise device_missing(options.device, _offers(session.get_providers()))
    return OrtSession(session, _run_options(options))


def device_memory(device: Device) -> DeviceMemory:
    """A GPU's own memory, where a session could be opened on it.

    Raises:
        EngineError: `device-unknown`; `device-missing`, as `open_session`.
    """
    _provider(device)
    return driver_memory(device)


@cache
def _load_cuda_once() -> None:
    load_libraries(onnxruntime.preload_dlls)


def load_libraries(preload: Callable[[], object]) -> None:
    """Find CUDA and cuDNN in the packages that `onnxruntime-gpu[cuda,cudnn]` brings.

    The loader looks for them in the system's folders only: without this, a machine that followed
    the hint of `device-missing` is told that its device is missing.

    Args:
        preload: ONNX Runtime's own search. It prints what it does not find, which must not come
            between the records on standard output.
    """
    with contextlib.redirect_stdout(sys.stderr):
        preload()


def _provider(device: Device) -> str:
    provider = _PROVIDERS[family(device)]
    available = onnxruntime.get_available_providers()
    if provider not in available:
        raise device_missing(device, _offers(available))
    return provider


def _provider_options(options: SessionOptions) -> dict[str, str]:
    if options.device == CPU:
        return {}
    chosen = {**_CUDA_OPTIONS, "device_id": str(number(options.device))}
    if options.device_bytes is not None:
        chosen["gpu_mem_limit"] = str(options.device_bytes)
    if options.gives_back:
        # Blocks that double are given back only where all of them are free, the first one never.
        chosen["arena_extend_strategy"] = "kSameAsRequested"
    return chosen


def _run_options(options: SessionOptions) -> onnxruntime.RunOptions | None:
    if options.device == CPU or not options.gives_back:
        return None
    chosen = onnxruntime.RunOptions()
    arena = f"gpu:{number(options.device)}"
    chosen.add_run_config_entry("memory.enable_memory_arena_shrinkage", arena)
    return chosen


def _offers(providers: list[str]) -> str:
    names = [name.removesuffix("ExecutionProvider") for name in providers]
    return f"ONNX Runtime offers {', '.join(names)} here"


def _spec(node: onnxruntime.NodeArg) -> TensorSpec:
    shape = tuple(side if isinstance(side, int) else -1 for side in node.shape)
    return TensorSpec(name=node.name, datatype=_DATATYPES.get(node.type, node.type), shape=shape)


def _first_line(fault: Exception) -> str:
    return str(fault).strip().split("\n", 1)[0][:300]
