"""What the system refuses one user: which part of a path, whose it is, and what would help."""

from __future__ import annotations

import errno
import glob
import importlib
import os
import stat
from pathlib import Path
from typing import Any

from haversack.errors import HaversackError

REFUSED = frozenset({errno.EACCES, errno.EPERM})
"""Errors of the system that say "you may not", which is never "it is not there"."""


def not_permitted(path: Path) -> HaversackError:
    """The refusal of a file or folder that is there, but not for this user."""
    return HaversackError("path-not-permitted", sentence(path), hint=next_step(path))


def sentence(path: Path) -> str:
    """What stands in the way to `path`, as far as it can be told."""
    place = barrier(path)
    what = f"{path} may not be read or written by {_who()}"
    named = "it" if place == path else str(_shown(place))
    try:
        found = place.stat()
    except OSError:
        return f"{what}: {named} may not even be looked at"
    owner = f"belongs to {_user(found.st_uid)}, mode {stat.S_IMODE(found.st_mode):04o}"
    return f"{what}: {named} {owner}"


def next_step(path: Path) -> str:
    """What its owner, or this user, can do."""
    place = _shown(barrier(path))
    return (
        f"Its owner can let others in (chmod -R a+rX {place}), or run this command as its owner; "
        "where something is to be written, give a folder of your own."
    )


def barrier(path: Path) -> Path:
    """What stands in the way: a folder that is closed, else `path`, or where it would be made."""
    closed = closed_folder(path)
    if closed is not None:
        return closed
    for place in (path, *path.parents):
        if os.path.lexists(place):
            return place
    return path


def closed_folder(path: Path) -> Path | None:
    """The outermost folder on the way to `path` that may not be entered, if there is one.

    It explains a refusal, and is none: only the system knows what it lets through. It raises
    nothing. A relative path is not judged by where its working folder lies, which no longer
    counts once a process is in there.
    """
    for folder in reversed(path.parents):
        try:
            if folder.is_dir() and not _may_enter(folder):
                return folder
        except PermissionError:  # a link into a closed folder; a mount that is another user's
            return folder
        except OSError:
            continue
    return None


def closed_to_glob(pattern: str) -> Path | None:
    """A folder that a glob had to look into and might not: `glob` passes it over in silence."""
    parts = Path(pattern).parts
    for index, part in enumerate(parts):
        before = os.path.join(*parts[:index]) if index else "."
        folders = glob.iglob(before, recursive=True) if glob.has_magic(before) else (before,)
        for folder in folders:
            try:
                if glob.has_magic(part):
                    os.scandir(folder).close()
                else:
                    os.lstat(os.path.join(folder, part))
            except PermissionError:
                return Path(folder)
            except (OSError, ValueError):
                continue
    return None


def _may_enter(folder: Path) -> bool:
    """As whoever this process acts as, which need not be who started it."""
    return os.access(folder, os.X_OK, effective_ids=os.access in os.supports_effective_ids)


def _shown(place: Path) -> Path:
    """With its folders: "." alone says little."""
    try:
        return place.absolute()
    except OSError:  # the working folder is gone
        return place


def _who() -> str:
    number = os.geteuid() if hasattr(os, "geteuid") else None
    return "this user" if number is None else _user(number)


def _user(number: int) -> str:
    """By name where the system has one: a container's user often has none."""
    try:
        users: Any = importlib.import_module("pwd")  # not on every system
        return str(users.getpwuid(number).pw_name)
    except (ImportError, KeyError):
        return f"user {number}"
