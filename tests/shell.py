"""Commands without the half second that Python needs to begin: forks of one that has imported all.

Each is a process of its own with its own folder, variables and standard streams, runs `main()` as
the installed command does, and ends as Python ends. What a start itself must show, and what a
terminal or a signal decides, is tested with the installed command.

As a program it reads a line of JSON for each command, and answers with another.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What one command left.

    Attributes:
        status: its exit code; negative for the signal that ended it.
    """

    status: int
    out: str
    err: str


def haversack(
    *words: str | Path,
    cwd: Path,
    typed: str = "",
    variables: Mapping[str, str] | None = None,
) -> Ran:
    """`haversack WORDS` in a folder that is its home too, with `typed` on standard input.

    Args:
        variables: of the environment, besides the usual ones.
    """
    usual = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8"}
    asked = {
        "words": [str(word) for word in words],
        "cwd": str(cwd),
        "typed": typed,
        "variables": usual | dict(variables or {}),
    }
    answer = json.loads(_shell().ask(json.dumps(asked)))
    return Ran(status=answer["status"], out=answer["out"], err=answer["err"])


class _Shell:
    """The process that forks; it ends when its standard input does, as with ours."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.shell"],
            cwd=_ROOT,
            env=os.environ | {"PYTHONPATH": str(_ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        assert answer, f"the shell ended at {line}"
        return answer

    def close(self) -> None:
        self._process.communicate(timeout=20)


@cache
def _shell() -> _Shell:
    shell = _Shell()
    atexit.register(shell.close)
    return shell


def _import_commands() -> None:
    package = importlib.import_module("haversack.cli")
    for found in pkgutil.iter_modules(package.__path__, "haversack.cli."):
        importlib.import_module(found.name)
    gc.collect()
    gc.freeze()  # a collection in a fork would copy every page


def _become(words: Sequence[str], folder: str, streams: Path, variables: dict[str, str]) -> None:
    """Make the process that was forked what a shell would have started."""
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    for number, name in enumerate(("in", "out", "err")):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT
        opened = os.open(streams / name, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["haversack", *words]
    sys.modules["__main__"].__package__ = ""  # else a usage line names this module
    signal.alarm(_SECONDS)


def _read(path: Path) -> str:
    """As text, with universal line ends as `subprocess` reads them."""
    text = path.read_bytes().decode("utf-8", "backslashreplace") if path.exists() else ""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _serve(folder: Path) -> None:
    for line in iter(sys.stdin.readline, ""):
        asked = json.loads(line)
        for name in ("out", "err"):
            (folder / name).unlink(missing_ok=True)
        (folder / "in").write_text(asked["typed"], encoding="utf-8")
        child = os.fork()
        if child == 0:
            _become(asked["words"], asked["cwd"], folder, asked["variables"])
            importlib.import_module("haversack.cli.main").main()
        _, status = os.waitpid(child, 0)
        out, err = _read(folder / "out"), _read(folder / "err")
        told = {"status": os.waitstatus_to_exitcode(status), "out": out, "err": err}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _import_commands()
    place = tempfile.mkdtemp(prefix="haversack-shell-")
    parent = os.getpid()
    try:
        _serve(Path(place))
    finally:
        if os.getpid() == parent:
            for path in Path(place).iterdir():
                path.unlink()
            os.rmdir(place)
