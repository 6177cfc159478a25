"""The smallest limit around a process wins, whoever says it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from haversack.engine.limits import (
    FALLBACK_BYTES,
    forget_peak,
    memory_limit,
    peak_bytes,
    resident_bytes,
)

PAGE = os.sysconf("SC_PAGE_SIZE")
NO_LIMIT_V1 = "9223372036854771712"


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def groups(root: Path, text: str) -> None:
    write(root, "proc/self/cgroup", text)


def machine(root: Path, available_kb: int, own_pages: int = 0) -> None:
    write(root, "proc/meminfo", f"MemTotal: 99999999 kB\nMemAvailable: {available_kb} kB\n")
    write(root, "proc/self/statm", f"1000 {own_pages} 1 1 0 1 0\n")


def test_a_system_that_says_nothing_gives_the_fallback(tmp_path: Path) -> None:
    assert memory_limit(tmp_path).limit_bytes == FALLBACK_BYTES
    assert memory_limit(tmp_path).said_by == "nobody"


def test_what_the_process_has_already_is_available_to_it(tmp_path: Path) -> None:
    machine(tmp_path, 1000, own_pages=10)
    found = memory_limit(tmp_path)
    assert (found.limit_bytes, found.said_by) == (1000 * 1024 + 10 * PAGE, "available memory")


@pytest.mark.parametrize("text", ["max\n", ""])
def test_a_v2_group_without_a_limit_says_nothing(tmp_path: Path, text: str) -> None:
    machine(tmp_path, 1000)
    groups(tmp_path, "0::/a\n")
    write(tmp_path, "sys/fs/cgroup/a/memory.max", text)
    assert memory_limit(tmp_path).limit_bytes == 1000 * 1024


def test_a_v1_group_without_a_limit_says_nothing(tmp_path: Path) -> None:
    machine(tmp_path, 1000)
    groups(tmp_path, "4:memory:/a\n")
    write(tmp_path, "sys/fs/cgroup/memory/a/memory.limit_in_bytes", NO_LIMIT_V1)
    assert memory_limit(tmp_path).said_by == "available memory"


@pytest.mark.parametrize("small", ["", "slice", "slice/unit", "slice/unit/inner"])
def test_the_smallest_of_nested_v2_groups_wins(tmp_path: Path, small: str) -> None:
    machine(tmp_path, 1 << 30)
    groups(tmp_path, "0::/slice/unit/inner\n")
    for path in ("", "slice", "slice/unit", "slice/unit/inner"):
        size = 300 << 20 if path == small else 900 << 20
        write(tmp_path, f"sys/fs/cgroup/{path}/memory.max", f"{size}\n")
    found = memory_limit(tmp_path)
    assert (found.limit_bytes, found.said_by) == (300 << 20, "control group")


@pytest.mark.parametrize("small", ["", "docker", "docker/abc"])
def test_the_smallest_of_nested_v1_groups_wins(tmp_path: Path, small: str) -> None:
    groups(tmp_path, "9:name=systemd:/x\n4:cpu,memory:/docker/abc\n0::/\n")
    for path in ("", "docker", "docker/abc"):
        size = str(300 << 20) if path == small else NO_LIMIT_V1
        write(tmp_path, f"sys/fs/cgroup/memory/{path}/memory.limit_in_bytes", size)
    assert memory_limit(tmp_path).limit_bytes == 300 << 20


def test_a_container_sees_its_own_group_as_the_root_of_the_mount(tmp_path: Path) -> None:
    groups(tmp_path, "4:memory:/kubepods/pod1/abc\n")
    write(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", str(256 << 20))
    assert memory_limit(tmp_path).limit_bytes == 256 << 20


def test_another_controllers_group_is_not_asked(tmp_path: Path) -> None:
    groups(tmp_path, "3:cpuset:/a\n")
    write(tmp_path, "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1000")
    assert memory_limit(tmp_path).said_by == "nobody"


def test_less_available_than_the_group_allows_is_all_there_is(tmp_path: Path) -> None:
    machine(tmp_path, 1000)
    write(tmp_path, "sys/fs/cgroup/memory.max", str(1 << 30))
    assert memory_limit(tmp_path).limit_bytes == 1000 * 1024


def test_here_the_process_has_memory_and_may_have_more() -> None:
    assert 1 << 20 < resident_bytes() < memory_limit().limit_bytes


def test_the_peak_counts_from_when_it_was_forgotten() -> None:
    block = bytearray(64 << 20)
    block[::PAGE] = b"x" * len(block[::PAGE])
    assert peak_bytes() >= 64 << 20
    before = peak_bytes()
    del block
    if not forget_peak():
        pytest.skip("this system does not forget a peak")
    assert peak_bytes() < before
