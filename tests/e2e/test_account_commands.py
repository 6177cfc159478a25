"""`haversack user` and `haversack key`, as a person and as a script call them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.shell import haversack

COMMAND = Path(sys.executable).with_name("haversack")
PASSWORD = "correct horse battery"


def call(folder: Path, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    ran = haversack(*words, cwd=folder, typed=typed)
    return subprocess.CompletedProcess(words, ran.status, ran.out, ran.err)


def environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}


def test_without_a_terminal_a_password_comes_by_standard_input_only(tmp_path: Path) -> None:
    done = call(tmp_path, "user", "add", "ada", typed=PASSWORD)
    assert done.returncode == 2
    assert "--password-stdin" in done.stderr
    assert call(tmp_path, "user", "add", "ada", "--password", PASSWORD).returncode == 2
    assert call(tmp_path, "user", "list", "--json").stdout == ""
    assert call(tmp_path, "user", "add", "ada", "--password-stdin", typed=PASSWORD).returncode == 0
    row = json.loads(call(tmp_path, "user", "list", "--json").stdout)
    assert (row["name"], row["scopes"], row["sessions"]) == ("ada", ["infer", "jobs"], 0)


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
def test_a_weak_password_is_refused_and_not_repeated(tmp_path: Path, password: str) -> None:
    done = call(tmp_path, "user", "add", "ada", "--password-stdin", typed=f"{password}\n")
    assert done.returncode == 2
    assert "10 to 200" in done.stderr
    assert password == "" or password not in done.stderr


def test_on_a_terminal_it_is_asked_for_twice_and_not_shown(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    words = [str(COMMAND), "user", "add", "ada", "--state", str(tmp_path / "s")]
    try:
        with subprocess.Popen(
            words,
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env=environment(tmp_path),
            start_new_session=True,
        ) as process:
            seen = answer(leader, "New password for ada: ")
            seen += answer(leader, "The same again: ")
            assert process.wait(30) == 0
    finally:
        os.close(follower)
        os.close(leader)
    assert PASSWORD not in seen
    done = call(tmp_path, "user", "list", "--json", "--state", str(tmp_path / "s"))
    assert json.loads(done.stdout)["name"] == "ada"


def answer(leader: int, prompt: str) -> str:
    """Wait for the prompt, type the password, and give what was to be seen."""
    seen = ""
    while not seen.endswith(prompt):
        seen += os.read(leader, 4096).decode()
    time.sleep(0.2)  # the terminal stops echoing after the prompt was written
    os.write(leader, f"{PASSWORD}\n".encode())
    return seen


def test_a_key_is_the_only_thing_on_standard_output(tmp_path: Path) -> None:
    done = call(tmp_path, "key", "add", "ci", "--scope", "metrics")
    assert done.stdout.startswith("hvs_")
    assert len(done.stdout.split()) == 1
    made = json.loads(call(tmp_path, "key", "add", "other", "--json").stdout)
    assert (made["scopes"], made["key"][:4]) == (["infer"], "hvs_")
    listed = call(tmp_path, "key", "list", "--json").stdout
    assert [json.loads(line)["name"] for line in listed.splitlines()] == ["ci", "other"]
    assert made["key"] not in listed


@pytest.mark.parametrize(
    "words",
    [
        ("user", "remove", "nobody"),
        ("user", "add", "Not A Name", "--password-stdin"),
        ("user", "scopes", "nobody", "--scope", "infer"),
        ("user", "scopes", "nobody"),
        ("user", "scopes", "nobody", "--scope", "cook"),
        ("key", "revoke", "nothing"),
        ("key", "add", "ci", "--owner", "nobody"),
        ("key", "add", "ci", "--scope", "cook"),
    ],
)
def test_what_cannot_be_done_is_said_with_exit_code_2(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = call(tmp_path, *words, typed=PASSWORD)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
