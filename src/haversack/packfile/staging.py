"""Folders written aside and moved into place whole, so that no reader sees half of one."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

STAGING_PREFIX = ".haversack-staging-"
"""Dot-named, so that a listing of packs passes it over."""

STALE_SECONDS = 24 * 3600
"""The age at which a staging folder is taken for one left by a killed process."""

_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


@contextmanager
def staging_folder(parent: Path, *, clock: Callable[[], float] = time.time) -> Iterator[Path]:
    """A private folder in `parent` for drafts; it is removed afterwards, whatever happens.

    What killed processes left in `parent` is removed first. `clock` is Unix time in seconds.
    """
    sweep(parent, before_seconds=clock() - STALE_SECONDS)
    folder = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sync_tree(folder: Path) -> None:
    """Wait until every file and folder under `folder`, and itself, is on the disk."""
    for at, _, names in os.walk(folder):
        for name in names:
            _sync(Path(at, name))
        _sync(Path(at))


def move_into_place(draft: Path, target: Path) -> bool:
    """Rename the synced folder `draft` to `target` in one step; False where it is taken.

    An empty folder at `target` is replaced, as rename(2) does.
    """
    try:
        draft.rename(target)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    _sync(target.parent)
    return True


def sweep(parent: Path, *, before_seconds: float) -> None:
    """Remove the staging folders in `parent` last changed before that moment (Unix time).

    They are left by processes that were killed; one in use is younger.
    """
    for folder in parent.glob(STAGING_PREFIX + "*"):
        try:
            newest = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
        except OSError:
            # Gone meanwhile, or somebody else's: theirs to sweep.
            continue
        if newest < before_seconds:
            shutil.rmtree(folder, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
