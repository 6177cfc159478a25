"""Folders of another user, and the command as somebody who is not above their permissions."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

from tests.e2e.conftest import COMMAND
from tests.shell import Ran

NUMBER = 54321
"""Of a user without a name, as containers have them."""

_DROP_FROM_BOUNDING_SET = 24  # prctl(2)
_PASS_OVER_PERMISSIONS = (1, 2)  # capabilities(7): CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
MODE = "0700" if IS_ROOT else "0000"
"""Of what `close` closed."""


def close(path: Path, *, readable: bool = False) -> None:
    """Give it to another user; where only root could, take one's own rights instead."""
    if IS_ROOT:
        os.chown(path, NUMBER, NUMBER)
        path.chmod(0o755 if readable else 0o700)
    else:
        path.chmod(0o555 if readable else 0o000)


def run_as_other(
    *words: str | Path,
    cwd: Path,
    umask: int = 0o022,
    closed: Path | None = None,
    **environment: str,
) -> Ran:
    """`haversack WORDS` in `cwd` with these variables; not even as root may it read all.

    Args:
        closed: a folder that `cwd` lies in, closed once the command's process is there.
    """

    def prepare() -> None:
        if closed is not None:
            close(closed)
        be_like_others()

    done = subprocess.run(
        [COMMAND, *map(str, words)],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(cwd), **environment},
        preexec_fn=prepare,
        umask=umask,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ran(status=done.returncode, out=done.stdout, err=done.stderr)


def be_like_others() -> None:
    """Give away, for what is executed next, what lets root pass over permissions."""
    if IS_ROOT:
        system = ctypes.CDLL(None, use_errno=True)
        for right in _PASS_OVER_PERMISSIONS:
            assert system.prctl(_DROP_FROM_BOUNDING_SET, right, 0, 0, 0) == 0
