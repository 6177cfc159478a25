"""A pack is measured in processes of its own, and the measure is found again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.server.running import BLOBS
from tests.unit.packfile.conftest import write_tiny

from haversack.errors import EngineError
from haversack.measure.plan import Measured, ProfileOptions
from haversack.measure.profile import measure_pack
from haversack.packfile.archive import open_pack
from haversack.packfile.profile import find, parse

COMMAND = Path(sys.executable).with_name("haversack")


def test_the_command_measures_keeps_and_prints(tmp_path: Path) -> None:
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    words = [COMMAND, "pack", "profile", BLOBS, "--quick", "--json", "-o", tmp_path / "p.toml"]
    done = subprocess.run(
        [str(word) for word in words],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    record = json.loads(done.stdout)
    digest = open_pack(BLOBS).digest
    kept = find(tmp_path / "cache" / "haversack", digest)
    assert kept is not None
    assert kept == parse((tmp_path / "p.toml").read_bytes())
    assert record["digest"] == digest
    assert record["memory"]["session_bytes"] == kept.memory.session_bytes
    assert kept.memory.runtime_bytes > 20 << 20
    assert 0 < kept.memory.session_bytes < 200 << 20
    assert 0 < kept.memory.call_bytes < 500 << 20
    assert any(case.megapixels for case in kept.cases)
    assert "model, batch 1" in done.stderr  # progress


def test_no_case_is_begun_after_its_time(tmp_path: Path) -> None:
    seen: list[Measured] = []
    options = ProfileOptions(most_seconds=0.0, seconds_a_case=0.01)
    write_tiny(tmp_path / "tiny")
    profile = measure_pack(open_pack(tmp_path / "tiny"), options, seen.append)
    assert {case.threads for case in seen} == {profile.cases[0].threads}


def test_a_pack_that_cannot_run_is_a_sentence(tmp_path: Path) -> None:
    files = open_pack(BLOBS)
    lost = tmp_path / "lost"
    with pytest.raises(EngineError) as told:
        measure_pack(replace(files, location=lost), ProfileOptions(quick=True))
    assert told.value.code == "measure-failed"
    assert "lost" in told.value.message
