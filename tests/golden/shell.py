"""Many commands in one process that has imported everything: each is a fork, and ends as one.

As a program it reads one list of words a line, as JSON, and answers with a line of JSON: the exit
code and what came on standard output and standard error.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.server.running import environment

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What one command left."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """Runs the installed command in one folder."""

    process: subprocess.Popen[str]
    folder: Path

    def run(self, *words: str | Path, typed: str = "") -> Ran:
        """`haversack` with these words, and this on its standard input."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {"words": [str(word) for word in words], "typed": typed}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the shell ended at {asked}"
        return Ran(**json.loads(answer))

    def done(self, *words: str | Path, typed: str = "") -> str:
        """The same; what it printed, of a command that must succeed."""
        ran = self.run(*words, typed=typed)
        assert ran.code == 0, ran.err
        return ran.out


@contextmanager
def opened(folder: Path) -> Iterator[Shell]:
    """A shell in this folder, which is its home too, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.golden.shell", str(folder)],
        cwd=_ROOT,
        env=environment(folder) | {"PYTHONPATH": str(_ROOT), "NO_COLOR": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Shell(process, folder)
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


def _import_commands() -> None:
    package = importlib.import_module("haversack.cli")
    for found in pkgutil.iter_modules(package.__path__, "haversack.cli."):
        importlib.import_module(found.name)


def _forked(words: list[str], typed: str) -> dict[str, int | str]:
    names = [f".{name}-{os.getpid()}" for name in ("in", "out", "err")]
    Path(names[0]).write_text(typed)
    child = os.fork()
    if child == 0:
        for number, name in enumerate(names):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(name, flags), number)
        sys.argv = ["haversack", *words]
        sys.modules["__main__"].__package__ = ""  # else a usage line names this module
        code: object = 1
        try:
            importlib.import_module("haversack.cli.main").main()
        except SystemExit as ended:
            code = ended.code
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)
    _, status = os.waitpid(child, 0)
    out, err = (Path(name).read_bytes().decode("utf-8", "backslashreplace") for name in names[1:])
    for name in names:
        Path(name).unlink()
    return {"code": os.waitstatus_to_exitcode(status), "out": out, "err": err}


def _serve() -> None:
    os.chdir(sys.argv[1])
    _import_commands()
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(json.dumps(_forked(asked["words"], asked["typed"])) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
