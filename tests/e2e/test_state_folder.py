"""A state folder that cannot be written is named, with the option that chooses another."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.other_user import MODE, close, run_as_other

from haversack.database.unwritable import explained
from haversack.errors import HaversackError
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


def test_too_many_open_files_are_no_fault_of_the_folder(tmp_path: Path) -> None:
    script = """
import os, resource, sys
from pathlib import Path
from haversack.database.sqlite import SqliteDatabase
from haversack.database.unwritable import check_written
from haversack.errors import HaversackError
most = max(map(int, os.listdir("/proc/self/fd")))
resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
try:
    while True:
        os.dup(0)
except OSError:
    pass
check_written(Path(sys.argv[1]))
try:
    SqliteDatabase(Path(sys.argv[1])).rows("SELECT 1", {})
except HaversackError as error:
    sys.exit(error.code)
"""
    path = tmp_path / "state" / "jobs.sqlite"
    done = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, timeout=60
    )
    assert done.stderr.strip() == "database-away", done


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENOENT])
def test_what_no_other_folder_helps_against_is_raised_as_it_is(tmp_path: Path, number: int) -> None:
    fault = OSError(number, os.strerror(number))
    with pytest.raises(OSError, match=os.strerror(number)), explained(tmp_path / "jobs.sqlite"):
        raise fault


@pytest.mark.parametrize(
    "number",
    [
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
        *(errno.ENOTDIR, errno.EEXIST, errno.ENOENT),
    ],
)
def test_what_another_folder_helps_against_names_the_option(tmp_path: Path, number: int) -> None:
    path = tmp_path / "missing" / "jobs.sqlite"
    with pytest.raises(HaversackError) as caught, explained(path):
        raise OSError(number, os.strerror(number))
    assert caught.value.code == "state-unwritable"
    assert "--state FOLDER" in caught.value.hint
