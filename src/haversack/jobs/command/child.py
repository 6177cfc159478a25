"""The command's own side: what it is asked, and how it tells.

    if __name__ == "__main__":
        run_child(work)

where `work` takes a `ChildJob` and gives the result as JSON has it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from haversack.errors import HaversackError
from haversack.jobs.command.words import (
    CommandTask,
    Told,
    ToldFault,
    ToldLine,
    ToldProgress,
    ToldResult,
)

_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2


class ChildJob:
    """The job that this process does. Any thread may tell.

    Attributes:
        task: what is asked.
    """

    def __init__(self, task: CommandTask, told: int) -> None:
        self.task = task
        self._told = told
        self._lock = threading.Lock()

    @classmethod
    def begin(cls) -> ChildJob:
        """Read standard input, and take standard output over: what libraries print goes to
        standard error from now on.
        """
        task = msgspec.json.decode(sys.stdin.buffer.read(), type=CommandTask)
        told = os.dup(_STANDARD_OUTPUT)
        os.dup2(_STANDARD_ERROR, _STANDARD_OUTPUT)
        return cls(task, told)

    def progress(self, done: int, total: int, seconds_left: float = 0.0) -> None:
        """How far it is; 0 seconds for unknown."""
        self._tell(ToldProgress(done=done, total=total, seconds_left=seconds_left))

    def note(self, text: str) -> None:
        """A line for the worker's log."""
        self._tell(ToldLine(text=text))

    def give(self, result: dict[str, Any], version: str = "") -> None:
        """What came of it, last of all: every file is in `task.out` by now."""
        self._tell(ToldResult(result=result, version=version))

    def fail(self, error: HaversackError) -> None:
        """Why nothing came of it."""
        fault = ToldFault(
            code=error.code,
            message="; ".join((error.message, *error.details)),
            hint=error.hint,
            kind=error.kind.value,
        )
        self._tell(fault)

    def _tell(self, told: Told) -> None:
        line = memoryview(msgspec.json.encode(told) + b"\n")
        with self._lock:
            while line:
                line = line[os.write(self._told, line) :]


def run_child(work: Callable[[ChildJob], dict[str, Any]]) -> None:
    """Do the job that standard input asks for; anything but a HaversackError ends the process."""
    job = ChildJob.begin()
    try:
        job.give(work(job))
    except HaversackError as error:
        job.fail(error)
        sys.exit(1)
