"""What the system refuses one user: which part of a path, whose it is, and what would help."""

from __future__ import annotations

import errno
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
    try:
        found = place.stat()
    except OSError:
        return what
    owner = f"belongs to {_user(found.st_uid)}, mode {stat.S_IMODE(found.st_mode):04o}"
    return f"{what}: {'it' if place == path else place} {owner}"


def next_step(path: Path) -> str:
    """What its owner, or this user, can do."""
    place = barrier(path)
    return (
        f"Its owner can let others in (chmod -R a+rX {place}), or run this command as its owner; "
        "where something is to be written, give a folder of your own."
    )


def barrier(path: Path) -> Path:
    """What stands in the way: a folder that is closed, else `path`, or where it would be made."""
    closed = closed_folder(path)
    if closed is not None:
        return closed
    for place in (path, *path.absolute().parents):
        if os.path.lexists(place):
            return place
    return path


def closed_folder(path: Path) -> Path | None:
    """The outermost folder on the way to `path` that may not be entered, if there is one."""
    for folder in reversed(path.absolute().parents):
        if folder.is_dir() and not os.access(folder, os.X_OK):
            return folder
    return None


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
