"""A server whose event loop and memory are watched from outside, one question at a time."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.server.running import started

HERE = Path(__file__).parent
LOOP_SECONDS = 0.05
SPARE_BYTES = 16 << 20
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SETTLE_SECONDS = 10


@dataclass(kw_only=True)
class Reading:
    """What was seen between two moments.

    Attributes:
        loop_seconds: the most CPU time of the loop's thread between two ticks.
        loop_stack: where it was then, if anybody looked.
        grown_bytes: the most that the process had of its own, less what it had at the beginning.
        reserved_bytes: the most that the server had reserved.
        still_reserved_bytes: what it holds at the end.
        disk_stacks: stacks of the loop's thread at calls that a slow disk holds up.
        body_bytes: of the largest body that was sent, unpacked: it may lie in memory.
    """

    loop_seconds: float = 0.0
    loop_stack: str = ""
    grown_bytes: int = 0
    reserved_bytes: int = 0
    still_reserved_bytes: int = 0
    disk_stacks: str = ""
    body_bytes: int = 0

    def faults(self) -> list[str]:
        """Promises that were broken, each in a sentence."""
        found = []
        if self.loop_seconds > LOOP_SECONDS:
            held = f"the loop was held for {self.loop_seconds * 1000:.0f} ms"
            found.append(f"{held}\n{self.loop_stack}")
        over = self.grown_bytes - self.reserved_bytes - self.body_bytes
        if over > SPARE_BYTES:
            found.append(
                f"the process grew by {self.grown_bytes >> 20} MiB, {over >> 20} more than the "
                f"{self.reserved_bytes >> 20} reserved and the body's {self.body_bytes >> 20}"
            )
        if self.still_reserved_bytes:
            found.append(f"{self.still_reserved_bytes:,} bytes are reserved for nobody")
        if self.disk_stacks:
            found.append(f"the loop waits for the disk:\n{self.disk_stacks[:4000]}")
        return found


@dataclass(kw_only=True)
class Watched:
    """One that is ready.

    Attributes:
        slow_disk: whether the disk is slow while somebody watches.
    """

    url: str
    state: Path
    process: subprocess.Popen[str]
    slow_disk: bool
    questions: Path
    folder: Path
    readings: dict[str, Reading] = field(default_factory=dict)

    @property
    def address(self) -> tuple[str, int]:
        """For a plain socket."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    @contextlib.contextmanager
    def watch(self, label: str, body_bytes: int = 0) -> Iterator[Reading]:
        """What happens in a block, which ends when every request of it is done."""
        reading = self.readings[label] = Reading(body_bytes=body_bytes)
        self._ask("begin")
        before = private_bytes(self.process.pid)
        peak = _Peak(self.process.pid)
        try:
            with peak:
                yield reading
        finally:
            end = self._rested()
            reading.grown_bytes = max(peak.most_bytes - before, 0)
            for name, value in end.items():
                setattr(reading, name, value)

    def _rested(self) -> dict[str, object]:
        """The end, as soon as nothing is reserved any more: a thread may outlive its request."""
        until = time.monotonic() + _SETTLE_SECONDS
        while (end := self._ask("end"))["still_reserved_bytes"] and time.monotonic() < until:
            time.sleep(0.02)
        return end

    def _ask(self, question: str) -> dict[str, object]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(str(self.questions))
            with connection.makefile("rw") as talk:
                talk.write(f"{question}\n")
                talk.flush()
                answer: dict[str, object] = json.loads(talk.readline())
                return answer


class _Peak:
    """The most private memory of a process, looked at a thousand times a second from outside."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.most_bytes = 0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.001):
            self.most_bytes = max(self.most_bytes, private_bytes(self._pid))


def private_bytes(pid: int) -> int:
    """What only that process has: not its program's files, nor bodies on disk that it maps."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()
    return (int(pages[1]) - int(pages[2])) * _PAGE_BYTES


def shim(folder: Path) -> Path:
    """The slow disk, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here: the slow disk is a few lines of C")
    made = folder / "slow_disk.so"
    words = [
        compiler,
        "-shared",
        "-fPIC",
        "-O1",
        "-o",
        str(made),
        str(HERE / "slow_disk.c"),
        "-ldl",
    ]
    subprocess.run(words, check=True, capture_output=True, timeout=60)
    return made


@contextlib.contextmanager
def watched(folder: Path, *words: str | Path, slow_disk: Path | None = None) -> Iterator[Watched]:
    """The server with these packs and options, until the block ends; it must end by itself."""
    home = Path(tempfile.mkdtemp(dir=folder))
    # A socket's path may have 107 bytes at most; pytest's folders are long.
    questions = Path(tempfile.mkdtemp(prefix="loop-")) / "questions"
    watcher = (sys.executable, HERE / "watched.py", questions, home / "stacks")
    command = (*watcher, "serve", "--port", "0", "--state", home / "state", *words)
    preload = {"LD_PRELOAD": str(slow_disk)} if slow_disk is not None else {}
    try:
        with started(command, home, **preload) as (url, process):
            yield Watched(
                url=url,
                state=home / "state",
                process=process,
                slow_disk=slow_disk is not None,
                questions=questions,
                folder=home,
            )
    finally:
        shutil.rmtree(questions.parent, ignore_errors=True)
