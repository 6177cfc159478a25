"""The first step of a job's command: what holds for it whatever it does, then the command itself.

    python -m haversack.jobs.command.guard PARENT MEMORY COMMAND...

PARENT is the worker's process, MEMORY bytes, or 0 for no limit. The limits outlive the step, since
the command takes this process over.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Set the limits, and become the command."""
    parent, memory_bytes = int(sys.argv[1]), int(sys.argv[2])
    _die_with(parent)
    if memory_bytes:
        _limit(memory_bytes)
    os.execv(sys.argv[3], sys.argv[3:])


def _die_with(parent: int) -> None:
    """Where the worker is killed, the system kills this process. Source: prctl(2).

    Linux only: elsewhere a command ends when it next tells something, for nobody reads it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before that
            sys.exit("the worker has ended")


def _limit(memory_bytes: int) -> None:
    """Of what the process has for itself: files that it maps are not counted."""
    resource = importlib.import_module("resource")  # not on every system
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))


if __name__ == "__main__":
    main()
