"""How much memory a survey may hold in photos, and the purse from which each is paid."""

from __future__ import annotations

import threading
from pathlib import Path

from haversack.errors import HaversackError
from haversack.units import format_bytes

LEAST_BYTES = 16 << 20
_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO = Path("/proc/meminfo")
# A v1 group without a limit says a number near 2^63.
_NO_LIMIT = 1 << 60


def available_bytes(cgroup: Path = _CGROUP, meminfo: Path = _MEMINFO) -> int:
    """The smaller of the control group's limit (v1 or v2) and the machine's available memory.

    2 GiB where the system says neither.
    """
    told = [
        _number(cgroup / "memory.max"),
        _number(cgroup / "memory" / "memory.limit_in_bytes"),
        *_own_groups(cgroup),
        _available(meminfo),
    ]
    known = [size for size in told if 0 < size < _NO_LIMIT]
    return min(known, default=2 << 30)


def photo_budget(asked_bytes: int | None, available: int) -> int:
    """Bytes of photos in flight: half of what is available, unless a number was asked for.

    The other half is the model's, the compressed files' and Python's.

    Raises:
        HaversackError: `memory-unfit` below 16 MiB or above what is available.
    """
    budget = available // 2 if asked_bytes is None else asked_bytes
    if asked_bytes is not None and not LEAST_BYTES <= budget <= available:
        raise HaversackError(
            "memory-unfit",
            f"--memory {format_bytes(budget)} was asked for photos in flight; from "
            f"{format_bytes(LEAST_BYTES)} to {format_bytes(available)}, what this process may "
            "have, is possible",
            hint="Leave --memory out: half of what is available is taken then.",
        )
    return max(budget, LEAST_BYTES)


class BytePurse:
    """Bytes that threads take before they allocate, and give back.

    Promises: what is out never exceeds the whole; whoever asks for more than the whole is told so
    at once instead of waiting for ever. Safe for any number of threads.
    """

    def __init__(self, whole_bytes: int) -> None:
        self.whole_bytes = whole_bytes
        self._out = 0
        self._lock = threading.Lock()

    def take(self, count: int) -> bool:
        """Take `count` bytes if they are there now. Returns whether they were."""
        with self._lock:
            if self._out + count > self.whole_bytes:
                return False
            self._out += count
            return True

    def give(self, count: int) -> None:
        """Give `count` bytes back."""
        with self._lock:
            self._out -= count

    @property
    def out_bytes(self) -> int:
        """Bytes taken at this moment."""
        return self._out


def resident_bytes() -> int:
    """Memory of this process now; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * 4096


def _own_groups(cgroup: Path) -> list[int]:
    """Limits of the groups this process is in, where they are not the root of the mount."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            found.append(_number(cgroup / path.lstrip("/") / "memory.max"))
        elif "memory" in controllers.split(","):
            found.append(_number(cgroup / "memory" / path.lstrip("/") / "memory.limit_in_bytes"))
    return found


def _available(meminfo: Path) -> int:
    try:
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        return 0
    return 0


def _number(path: Path) -> int:
    try:
        text = path.read_text().strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0
