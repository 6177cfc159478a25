"""One process that does one attempt at a job: started, heard, ended."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO

import msgspec

from haversack.errors import HaversackError, Kind
from haversack.jobs.command.environment import command_environment
from haversack.jobs.command.words import CommandTask, Told, ToldLine
from haversack.jobs.job_folder import broken_off
from haversack.units import format_seconds

_GUARD = "haversack.jobs.command.guard"
_LOOK_SECONDS = 0.1
_PIECE_BYTES = 64 << 10
_LONGEST_LINE = 1 << 20
_SHOWN = 400
_DRAIN_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class CommandLimits:
    """What one attempt may take.

    Attributes:
        memory_bytes: of its own, without files that it maps; None for no limit.
        seconds: None for no limit.
        grace_seconds: from SIGTERM to SIGKILL.
    """

    memory_bytes: int | None = None
    seconds: float | None = None
    grace_seconds: float = 10.0


@dataclass(frozen=True, kw_only=True)
class Command:
    """What does the jobs of one kind.

    Attributes:
        words: module and words of `python -m`; see `words.CommandTask` for what it is told.
        variables: of its environment, besides what it has of the worker's.
        keeps: names of the worker's variables that it has though they look like secrets.
        limits: of one attempt.
    """

    words: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    keeps: frozenset[str] = frozenset()
    limits: CommandLimits = field(default_factory=CommandLimits)


def run_command(
    command: Command,
    task: CommandTask,
    hear: Callable[[Told], None],
    unwanted: threading.Event,
) -> None:
    """Run the command, in `task.work`, until it ends by itself.

    It is in a session of its own, all of which is killed at the end; by its guard where this
    process is killed.

    Args:
        hear: told each thing that it tells; lines that are nothing of that come as notes.

    Raises:
        HaversackError: `job-broken-off` once `unwanted` is set; `job-command-slow`;
            `job-command-failed` with the last line of its standard error.
    """
    process = _started(command, task)
    with _ended(process), selectors.DefaultSelector() as selector:
        running = _Running(process, selector, command.limits, hear)
        running.listen(unwanted)
    running.check()


def _started(command: Command, task: CommandTask) -> subprocess.Popen[bytes]:
    # -P: a module of the working folder is never taken for one of a library.
    python = [sys.executable, "-P", "-m"]
    guard = [*python, _GUARD, str(os.getpid()), str(command.limits.memory_bytes or 0)]
    with tempfile.TemporaryFile() as said:
        said.write(msgspec.json.encode(task))
        said.seek(0)
        return subprocess.Popen(
            [*guard, *python, *command.words],
            stdin=said,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd=task.work,
            env=command_environment(os.environ, command.variables, command.keeps),
        )


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Nothing of it is left after the block, whatever happens there."""
    try:
        yield
    finally:
        _signal(process, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To it, and to all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


class _Lines:
    """Lines out of pieces. One that is longer than any that means something is cut off."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_cut = False

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that are whole now."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        if self._is_cut and whole:  # the end of the one that was cut
            del whole[0]
            self._is_cut = False
        if len(self._rest) > _LONGEST_LINE:
            if not self._is_cut:
                whole.append(self._rest[:_SHOWN])
            self._rest, self._is_cut = b"", True
        return whole

    def end(self) -> list[bytes]:
        """The last line, where nothing ended it."""
        rest, self._rest = self._rest, b""
        return [rest] if rest and not self._is_cut else []


class _Running:
    """The process while it runs. Belongs to one thread."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        selector: selectors.BaseSelector,
        limits: CommandLimits,
        hear: Callable[[Told], None],
    ) -> None:
        self._process = process
        self._selector = selector
        self._limits = limits
        self._hear = hear
        self._last_error = ""
        self._is_slow = self._is_unwanted = False
        for pipe, listen in ((process.stdout, self._tell), (process.stderr, self._complain)):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ, (_Lines(), listen))

    def listen(self, unwanted: threading.Event) -> None:
        """Until it has ended, by itself or not."""
        began = time.monotonic()
        asked_to_end: float | None = None
        while self._process.poll() is None:
            self._read(_LOOK_SECONDS)
            now = time.monotonic()
            if asked_to_end is None:
                self._is_unwanted = unwanted.is_set()
                most = self._limits.seconds
                self._is_slow = most is not None and now - began > most
                if self._is_unwanted or self._is_slow:
                    asked_to_end = now
                    _signal(self._process, signal.SIGTERM)
            elif now - asked_to_end > self._limits.grace_seconds:
                _signal(self._process, signal.SIGKILL)
        # What it said last; others that hold its pipes are not waited for.
        end = time.monotonic() + _DRAIN_SECONDS
        while self._read(0) and time.monotonic() < end:
            pass
        self._end_lines()

    def check(self) -> None:
        """Raises as `run_command`."""
        if self._is_unwanted:
            raise broken_off()
        if self._is_slow:
            raise HaversackError(
                "job-command-slow",
                f"the job took longer than {format_seconds(self._limits.seconds or 0)}",
                hint="What it did is kept for the next attempt.",
                kind=Kind.INTERNAL,
            )
        if self._process.returncode:
            raise command_failed(f"{_way(self._process.returncode)}: {self._last_error}")

    def _read(self, seconds: float) -> bool:
        """Whether something was read."""
        if not self._selector.get_map():
            # Both are closed, and it still works.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
            return False
        ready = self._selector.select(seconds)
        for key, _ in ready:
            pipe: IO[bytes] = key.fileobj  # type: ignore[assignment]
            lines, listen = key.data
            piece = os.read(pipe.fileno(), _PIECE_BYTES)
            if not piece:
                self._selector.unregister(pipe)
            for line in lines.feed(piece) if piece else lines.end():
                listen(line)
        return bool(ready)

    def _end_lines(self) -> None:
        for key in list(self._selector.get_map().values()):
            lines, listen = key.data
            for line in lines.end():
                listen(line)

    def _tell(self, line: bytes) -> None:
        try:
            told = msgspec.json.decode(line, type=Told)
        except (msgspec.DecodeError, UnicodeDecodeError):
            told = ToldLine(text=_text(line))
        self._hear(told)

    def _complain(self, line: bytes) -> None:
        text = _text(line)
        if text:
            self._last_error = text
            self._hear(ToldLine(text=text))


def command_failed(why: str) -> HaversackError:
    """It gave no result."""
    return HaversackError(
        "job-command-failed",
        f"the job's command {why}",
        hint="The worker's log has the lines before it.",
        kind=Kind.INTERNAL,
    )


def _way(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _text(line: bytes) -> str:
    return line[:_SHOWN].decode(errors="replace").strip()
