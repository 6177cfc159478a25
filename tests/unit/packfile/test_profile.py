"""profile.toml goes out and comes back the same, and a bad one never does harm."""

from __future__ import annotations

import datetime
from pathlib import Path

import msgspec
import pytest
from tests.unit.packfile.conftest import write_tiny

from haversack.errors import PackError
from haversack.packfile.archive import open_pack
from haversack.packfile.profile import (
    Case,
    Machine,
    MemoryFormula,
    Profile,
    encode,
    find,
    parse,
    place,
    shipped,
    store,
)

PROFILE = Profile(
    format=1,
    name="tiny",
    version="1",
    digest="a" * 64,
    created=datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC),
    machine=Machine(cpus=2, machine="x86_64", system="Linux 6", runtime="onnxruntime 1.31"),
    memory=MemoryFormula(runtime_bytes=50, session_bytes=10, call_bytes=5, row_bytes=2),
    cases=(Case(megapixels=1.2, batch=1, threads=1, seconds=0.01, peak_bytes=7),),
)


def test_what_is_written_is_what_is_read() -> None:
    assert parse(encode(PROFILE)) == PROFILE


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"format = 2", b"format = 1\nname = 3", b"x = ["], ids=repr
)
def test_what_is_no_profile_is_refused_with_its_faults(data: bytes) -> None:
    with pytest.raises(PackError) as told:
        parse(data)
    assert told.value.code == "profile-invalid"


def test_a_profile_with_unknown_or_negative_numbers_is_refused() -> None:
    text = encode(PROFILE).replace(b"session_bytes = 10", b"session_bytes = -1\nmore = 2")
    with pytest.raises(PackError) as told:
        parse(text)
    assert len(told.value.details) == 2


def test_the_cache_keeps_it_by_digest(tmp_path: Path) -> None:
    assert find(tmp_path, PROFILE.digest) is None
    assert store(tmp_path, PROFILE) == place(tmp_path, PROFILE.digest)
    assert find(tmp_path, PROFILE.digest) == PROFILE
    assert find(tmp_path, "b" * 64) is None


def test_a_broken_or_anothers_profile_in_the_cache_is_no_profile(tmp_path: Path) -> None:
    store(tmp_path, PROFILE)
    place(tmp_path, PROFILE.digest).rename(place(tmp_path, "b" * 64))
    assert find(tmp_path, "b" * 64) is None
    place(tmp_path, "b" * 64).write_text("broken [")
    assert find(tmp_path, "b" * 64) is None


def test_a_pack_may_ship_one_and_only_its_own_counts(tmp_path: Path) -> None:
    write_tiny(tmp_path / "tiny")
    files = open_pack(tmp_path / "tiny")
    assert shipped(files) is None
    (tmp_path / "tiny" / "profile.toml").write_bytes(encode(PROFILE))
    assert shipped(open_pack(tmp_path / "tiny")) is None
    own = msgspec.structs.replace(PROFILE, digest=files.digest)
    (tmp_path / "tiny" / "profile.toml").write_bytes(encode(own))
    assert shipped(open_pack(tmp_path / "tiny")) == own
