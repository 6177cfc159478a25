"""A state folder that cannot be written is named, with the option that chooses another."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.other_user import MODE, close, run_as_other

from haversack.samples.bundle import BUNDLED_PACKS

BLOBS = BUNDLED_PACKS / "blobs" / "1"
COMMANDS = (
    ("serve", BLOBS, "--port", "0"),
    ("serve", BLOBS, "--port", "0", "--accounts"),
    ("worker", BLOBS),
    ("jobs", "list"),
    ("user", "list"),
    ("key", "list"),
)


@pytest.fixture(autouse=True)
def _opened_afterwards(tmp_path: Path) -> Iterator[None]:
    """pytest removes old folders, and could not look into closed ones."""
    yield
    for folder, _, _ in os.walk(tmp_path, onerror=lambda fault: os.chmod(fault.filename, 0o700)):
        os.chmod(folder, stat.S_IRWXU)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(map(str, words[::2])))
def test_a_home_that_is_nobodys_is_named_with_the_option(
    tmp_path: Path, words: tuple[str | Path, ...]
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    close(home, readable=True)
    ran = run_as_other(*words, cwd=tmp_path, HOME=str(home))
    assert ran.status == 1, ran
    assert f"the state folder {home}/.local/state/haversack cannot be written" in ran.err
    assert f"{home} belongs to " in ran.err
    assert "--state FOLDER, or HAVERSACK_STATE" in ran.err
    assert "Errno" not in ran.err


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(map(str, words[::2])))
def test_a_closed_home_is_named_too(tmp_path: Path, words: tuple[str | Path, ...]) -> None:
    (tmp_path / "home").mkdir()
    close(tmp_path / "home")
    ran = run_as_other(*words, cwd=tmp_path, HOME=str(tmp_path / "home"))
    assert ran.status == 1, ran
    assert "cannot be written" in ran.err
    assert f"mode {MODE}" in ran.err


@pytest.mark.parametrize("words", [COMMANDS[0], COMMANDS[3]], ids=lambda words: words[0])
def test_a_database_that_is_there_and_may_not_be_written_is_named(
    tmp_path: Path, words: tuple[str | Path, ...]
) -> None:
    state = tmp_path / "state"
    assert run_as_other("jobs", "list", "--state", state, cwd=tmp_path).status == 0
    for path in state.rglob("*"):
        close(path, readable=True)
    close(state, readable=True)
    ran = run_as_other(*words, "--state", state, cwd=tmp_path)
    assert ran.status == 1, ran
    assert f"the state folder {state} cannot be written" in ran.err
    assert "--state" in ran.err


def test_a_file_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for state in ("file", "file/below"):
        ran = run_as_other("jobs", "list", cwd=tmp_path, HAVERSACK_STATE=state)
        assert ran.status == 1, ran
        assert f"{tmp_path / 'file'} is no folder" in ran.err or "is no folder" in ran.err


def test_a_state_folder_that_can_be_written_is_all_that_an_unknown_user_needs(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    close(home)
    for words in (COMMANDS[3], COMMANDS[4]):
        ran = run_as_other(*words, cwd=tmp_path, HOME=str(home), HAVERSACK_STATE="st")
        assert ran.status == 0, ran
