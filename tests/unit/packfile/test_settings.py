"""The environment's settings, read from a mapping."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from haversack.errors import HaversackError
from haversack.settings import Settings, read

HOME, CWD = Path("/home/ada"), Path("/work")


def settings(**environ: str) -> Settings:
    return read(environ, home=HOME, cwd=CWD)


def test_nothing_set_gives_the_defaults() -> None:
    assert settings() == Settings(
        pack_repositories=(CWD / "packs", HOME / ".local/share/haversack/packs"),
        state_folder=HOME / ".local/state/haversack",
        cache_folder=HOME / ".cache/haversack",
        decode_limit_bytes=256 << 20,
    )


def test_the_cache_folder_can_be_named() -> None:
    assert settings(XDG_CACHE_HOME="/var/cache").cache_folder == Path("/var/cache/haversack")
    assert settings(XDG_CACHE_HOME="cache").cache_folder == HOME / ".cache/haversack"


def test_who_set_the_decode_limit_is_remembered() -> None:
    assert not settings().names_decode_limit
    assert settings(HAVERSACK_DECODE_LIMIT="1G").names_decode_limit


def test_the_state_folder_can_be_named() -> None:
    assert settings(XDG_STATE_HOME="/var/state").state_folder == Path("/var/state/haversack")
    assert settings(HAVERSACK_STATE="state").state_folder == CWD / "state"


def test_a_browser_is_opened_only_where_there_is_a_screen() -> None:
    assert not settings().has_screen
    assert settings(DISPLAY=":0").has_screen


def test_named_repositories_come_first() -> None:
    found = settings(HAVERSACK_PACKS=os.pathsep.join(["/a", "", "b"]), XDG_DATA_HOME="/data")
    assert found.pack_repositories == (
        Path("/a"),
        CWD / "b",
        CWD / "packs",
        Path("/data/haversack/packs"),
    )


def test_relative_data_home_is_ignored() -> None:
    assert settings(XDG_DATA_HOME="data") == settings()


def test_decode_limit_is_a_size() -> None:
    assert settings(HAVERSACK_DECODE_LIMIT="1G").decode_limit_bytes == 1 << 30
    assert settings(HAVERSACK_DECODE_LIMIT=" ") == settings()


@pytest.mark.parametrize("text", ["much", "0", "-1"])
def test_decode_limit_that_is_no_size_names_the_variable(text: str) -> None:
    with pytest.raises(HaversackError, match="HAVERSACK_DECODE_LIMIT") as caught:
        settings(HAVERSACK_DECODE_LIMIT=text)
    assert caught.value.code == "setting-invalid"
