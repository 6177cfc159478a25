"""How much memory this process may use: its control groups' limits, and what the machine has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FALLBACK_BYTES = 2 << 30
"""Where the system says nothing at all."""

# A v1 group without a limit says 2^63 less a page.
_NO_LIMIT = 1 << 60
_V1_FILE, _V2_FILE = "memory.limit_in_bytes", "memory.max"


@dataclass(frozen=True, kw_only=True)
class MemoryLimit:
    """What a process may use, and who says so.

    Attributes:
        limit_bytes: the smallest of what was found.
        said_by: "control group", "available memory", or "nobody" for the fallback.
    """

    limit_bytes: int
    said_by: str


def memory_limit(root: Path = Path("/")) -> MemoryLimit:
    """The smallest limit of the control groups around this process, and the available memory.

    Every group from the process's own up to the mount's root counts, v1 and v2: a container sees
    its own group as the root, a service its slice above it. Memory that this process has already
    is available to it too. Source: Linux, admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst.

    Args:
        root: "/", or a tree that looks like one.
    """
    groups = [size for size in map(_number, _group_files(root)) if 0 < size < _NO_LIMIT]
    group, free = min(groups, default=0), _available(root / "proc" / "meminfo")
    if free:
        free += resident_bytes(root)
    if group and (not free or group <= free):
        return MemoryLimit(limit_bytes=group, said_by="control group")
    if free:
        return MemoryLimit(limit_bytes=free, said_by="available memory")
    return MemoryLimit(limit_bytes=FALLBACK_BYTES, said_by="nobody")


def resident_bytes(root: Path = Path("/")) -> int:
    """Memory of this process now; 0 where the system does not say."""
    try:
        pages = int((root / "proc" / "self" / "statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_bytes() -> int:
    """The most memory this process had since `forget_peak`, or its start; 0 where unknown."""
    try:
        text = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    _, _, behind = text.partition("VmHWM:")
    return int(behind.split()[0]) * 1024 if behind else 0


def forget_peak() -> bool:
    """Let `peak_bytes` count from now. Returns whether the system can do that."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _group_files(root: Path) -> Iterator[Path]:
    """Where the limits of this process's groups would stand."""
    mount = root / "sys" / "fs" / "cgroup"
    for line in _lines(root / "proc" / "self" / "cgroup"):
        _, controllers, path = line.split(":", 2)
        parts = Path(path.lstrip("/")).parts
        tops: tuple[Path, ...]
        if controllers == "":
            tops, name = (mount, mount / "unified"), _V2_FILE
        elif "memory" in controllers.split(","):
            tops, name = (mount / "memory",), _V1_FILE
        else:
            continue
        for top in tops:
            for depth in range(len(parts), -1, -1):
                yield top.joinpath(*parts[:depth], name)
    yield mount / _V2_FILE
    yield mount / "memory" / _V1_FILE


def _available(meminfo: Path) -> int:
    for line in _lines(meminfo):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _number(path: Path) -> int:
    """What stands in the file; 0 for "max", or where there is none."""
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdigit() else 0


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
