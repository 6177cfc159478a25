"""Devices that a graph can run on: their names, and what memory they have."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from haversack.errors import EngineError, Kind

Device: TypeAlias = str
"""`cpu`, `cuda`, which is the first GPU, or `cuda:N`."""

CPU: Device = "cpu"
CUDA_HINT = (
    "Choose --device cpu, or install the build with your device: for CUDA, "
    "`pip uninstall onnxruntime` and then `pip install onnxruntime-gpu[cuda,cudnn]` "
    "(both cannot be installed together)."
)
DEVICE_PATTERN = r"^(cpu|cuda(:\d{1,3})?)$"
# What libraries of CUDA are called, on Linux and on Windows.
_LIBRARIES = ("libcuda.so.1", "nvcuda.dll")


@dataclass(frozen=True, kw_only=True)
class DeviceMemory:
    """A device's own memory, as it tells it now."""

    whole_bytes: int
    free_bytes: int


DeviceReader: TypeAlias = Callable[[Device], DeviceMemory]


def is_device(text: str) -> bool:
    """Whether that is how a device is written."""
    return re.fullmatch(DEVICE_PATTERN, text) is not None


def family(device: Device) -> Literal["cpu", "cuda"]:
    """Its kind. Raises EngineError `device-unknown`."""
    if not is_device(device):
        raise EngineError(
            "device-unknown",
            f"device {device!r} was asked for; there are cpu, cuda and cuda:N",
        )
    return "cpu" if device == CPU else "cuda"


def number(device: Device) -> int:
    """Which of its family, from 0."""
    return int(device.partition(":")[2] or 0)


def device_missing(device: Device, what_is_there: str) -> EngineError:
    """The refusal of a device that this runtime or machine cannot use."""
    return EngineError(
        "device-missing",
        f"device {device!r} was asked for, but {what_is_there}",
        hint=CUDA_HINT,
        kind=Kind.UNAVAILABLE,
    )


def driver_memory(device: Device) -> DeviceMemory:
    """What a GPU's driver tells, in the order in which ONNX Runtime counts GPUs.

    Asking keeps the GPU's own context open, as a session on it would. Source: CUDA Driver API,
    cuDevicePrimaryCtxRetain, cuMemGetInfo.

    Raises:
        EngineError: `device-missing` where there is no driver, or no such GPU.
    """
    driver = _driver(device)
    _check(device, driver.cuInit(0), "its driver finds no GPU")
    handle, context = ctypes.c_int(), ctypes.c_void_p()
    count = ctypes.c_int()
    _check(device, driver.cuDeviceGetCount(ctypes.byref(count)), "its driver finds no GPU")
    found = driver.cuDeviceGet(ctypes.byref(handle), number(device))
    _check(device, found, f"there are {count.value} GPUs here, counted from 0")
    opened = driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), handle)
    _check(device, opened, "the GPU cannot be opened")
    _check(device, driver.cuCtxPushCurrent_v2(context), "the GPU cannot be opened")
    free, whole = ctypes.c_size_t(), ctypes.c_size_t()
    try:
        told = driver.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(whole))
        _check(device, told, "the GPU does not tell its memory")
    finally:
        driver.cuCtxPopCurrent_v2(ctypes.byref(ctypes.c_void_p()))
    return DeviceMemory(whole_bytes=whole.value, free_bytes=free.value)


def _driver(device: Device) -> ctypes.CDLL:
    for name in _LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise device_missing(device, "there is no driver of NVIDIA's here")


def _check(device: Device, status: int, otherwise: str) -> None:
    if status:
        raise device_missing(device, f"{otherwise} (CUDA's error {status})")
