"""How many CPUs this process may use: its affinity, cut by the control group's quota."""

from __future__ import annotations

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def usable_cpus(cgroup: Path = _CGROUP) -> int:
    """Whole CPUs, at least 1; a quota of 1.5 counts as 2, since a part of one is still a thread."""
    quota = _quota_v2(cgroup) or _quota_v1(cgroup)
    cpus = _affinity()
    return max(1, min(cpus, math.ceil(quota)) if quota else cpus)


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux; elsewhere a process may use every CPU
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota_v2(cgroup: Path) -> float | None:
    words = _read(cgroup / "cpu.max").split()
    if len(words) != 2 or words[0] == "max":
        return None
    return int(words[0]) / int(words[1])


def _quota_v1(cgroup: Path) -> float | None:
    quota = _read(cgroup / "cpu" / "cpu.cfs_quota_us").strip()
    period = _read(cgroup / "cpu" / "cpu.cfs_period_us").strip()
    if not quota or not period or int(quota) <= 0:
        return None
    return int(quota) / int(period)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
