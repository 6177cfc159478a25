"""The CUDA runtime beside ONNX Runtime: free memory, locked host memory, what the card is doing."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LIBRARIES = ("libcudart.so.13", "libcudart.so.12")
_EVERY_MS = 100


def card() -> str:
    """Name, memory and driver, as nvidia-smi says; "" where there is none."""
    told = _query("name,memory.total,driver_version")
    return told[0] if told else ""


def used_bytes() -> int | None:
    """Of the card's memory, by all processes; None without a card."""
    told = _query("memory.used")
    return int(told[0]) * 1_000_000 if told else None


def _query(fields: str) -> list[str]:
    if shutil.which("nvidia-smi") is None:
        return []
    words = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout.strip().splitlines() if done.returncode == 0 else []


@contextmanager
def locked(shape: tuple[int, ...]) -> Iterator[NDArray[np.uint8]]:
    """uint8 zeros in page-locked memory, which the card copies without the CPU.

    Raises:
        OSError: there is no CUDA runtime, or it refuses.
    """
    array = np.zeros(shape, np.uint8)
    place = ctypes.c_void_p(array.ctypes.data)
    runtime = _runtime()
    if code := runtime.cudaHostRegister(place, array.nbytes, 0):
        raise OSError(f"cudaHostRegister returned {code}")
    try:
        yield array
    finally:
        # Memory that is freed while it is registered makes later copies from there fail.
        runtime.cudaHostUnregister(place)


def _runtime() -> Any:
    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.cudaHostRegister.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint]
        library.cudaHostUnregister.argtypes = [ctypes.c_void_p]
        return library
    raise OSError(f"none of {', '.join(_LIBRARIES)} is loaded or found")


@dataclass
class Watch:
    """What the card did meanwhile: percent of the time with a kernel, and most memory in MB."""

    busy: list[int] = field(default_factory=list)
    used: list[int] = field(default_factory=list)

    def told(self) -> dict[str, int]:
        """The middle and the most; nothing without a card."""
        if not self.busy:
            return {}
        working = [share for share in self.busy if share] or [0]
        return {
            "gpu_busy_percent": round(sum(working) / len(working)),
            "gpu_busy_most_percent": max(self.busy),
            "gpu_memory_mb": max(self.used),
        }


@contextmanager
def watching() -> Iterator[Watch]:
    """Ask nvidia-smi ten times a second until the block ends."""
    watch = Watch()
    if shutil.which("nvidia-smi") is None:
        yield watch
        return
    words = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used"]
    words += ["--format=csv,noheader,nounits", f"-lms={_EVERY_MS}"]
    asking = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    reading = threading.Thread(target=_read, args=(asking, watch), daemon=True)
    reading.start()
    try:
        yield watch
    finally:
        asking.kill()
        asking.wait()
        reading.join(timeout=5)


def _read(asking: subprocess.Popen[str], watch: Watch) -> None:
    for line in asking.stdout or ():
        busy, _, used = line.partition(",")
        if busy.strip().isdigit() and used.strip().isdigit():
            watch.busy.append(int(busy))
            watch.used.append(int(used))
