from __future__ import annotations

import os
from pathlib import Path

import pytest

from haversack.engine.cpus import usable_cpus

HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def test_without_a_control_group_the_affinity_decides(tmp_path: Path) -> None:
    assert usable_cpus(tmp_path) == HERE


@pytest.mark.parametrize(
    ("quota", "cpus"), [("max 100000", HERE), ("50000 100000", 1), ("9900000 100000", HERE)]
)
def test_the_quota_of_cgroup_v2_cuts_the_affinity(tmp_path: Path, quota: str, cpus: int) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    assert usable_cpus(tmp_path) == cpus


@pytest.mark.parametrize(("quota", "cpus"), [("-1", HERE), ("50000", 1), ("100000", 1)])
def test_the_quota_of_cgroup_v1_cuts_the_affinity(tmp_path: Path, quota: str, cpus: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert usable_cpus(tmp_path) == cpus


def test_a_part_of_a_cpu_is_still_a_thread(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("1000 100000")
    assert usable_cpus(tmp_path) == 1
