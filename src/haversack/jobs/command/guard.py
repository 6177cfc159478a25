"""What stands between a worker and a job's command: its limits, and that it ends with the worker.

    python -P -m haversack.jobs.command.guard PARENT MEMORY COMMAND...

PARENT is the worker's process, MEMORY bytes, or 0 for no limit. The command is this process's
child, in its session and group, and this process ends as the command did. Where the worker is
killed, it kills the whole group: what the command has started, too.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
# Told to this process where the worker ended.
_WORKER_ENDED = signal.SIGUSR1
# Meant for the command, which has them by itself: it is in the same group.
_FOR_THE_COMMAND = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main() -> None:
    """Start the command within its limits, and end as it ends."""
    worker, memory_bytes, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, {*_FOR_THE_COMMAND, _WORKER_ENDED, signal.SIGCHLD}
    )
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _ask_for_the_end_of(worker, _WORKER_ENDED)
    guard = os.getpid()
    child = os.fork()  # without threads, so that nothing can be locked in the child
    if child == 0:
        _become(command, guard, memory_bytes, before)
    if signal.SIGTERM in signal.sigpending():  # it may have come before the command was there
        os.kill(child, signal.SIGTERM)
    _close_standard()
    _end_as(_watched(child, worker))


def _ask_for_the_end_of(parent: int, number: signal.Signals) -> None:
    """Source: prctl(2). Linux only: elsewhere a command ends when it next tells something, for
    nobody reads it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it ended before that
            sys.exit("the worker has ended")


def _become(
    command: list[str], guard: int, memory_bytes: int, before: set[int | signal.Signals]
) -> None:
    """In the child: the command, which does not outlive the guard either."""
    try:
        _ask_for_the_end_of(guard, signal.SIGKILL)
        if memory_bytes:
            _limit(memory_bytes)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.execv(command[0], command)
    except OSError as fault:
        os.write(2, f"{command[0]} cannot be run: {fault}\n".encode())
    os._exit(1)


def _limit(memory_bytes: int) -> None:
    """Of what the process has for itself: files that it maps are not counted."""
    resource = importlib.import_module("resource")  # not on every system
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))


def _close_standard() -> None:
    """The pipes are the command's: whoever listens hears when it has closed them."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)


def _watched(child: int, worker: int) -> int:
    """How the command ended; if the worker ends first, so does all of the group."""
    while True:
        number = signal.sigwait({signal.SIGCHLD, _WORKER_ENDED})
        if number == _WORKER_ENDED and os.getppid() != worker:
            os.killpg(0, signal.SIGKILL)
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)


def _end_as(status: int) -> None:
    """By the same status, or the same signal without a dump of its own."""
    if status >= 0:
        os._exit(status)
    number = -status
    if number != signal.SIGKILL:
        resource = importlib.import_module("resource")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    os._exit(1)


if __name__ == "__main__":
    main()
