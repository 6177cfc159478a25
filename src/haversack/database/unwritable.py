"""What to say where the folder of a SQLite file, which is a server's state, cannot be written."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from haversack.errors import HaversackError, Kind
from haversack.permissions import REFUSED, sentence

_TRY_BYTES = 4096
# What another folder would help against. Too many open files, say, would be so in any folder.
_OF_THE_FOLDER = REFUSED | {
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.ENOTDIR,
    errno.EEXIST,
}


def state_unwritable(path: Path, fault: OSError) -> HaversackError:
    """The refusal `state-unwritable` of the database file `path`, for the system's reason."""
    folder = path.parent
    reason = fault.strerror or str(fault)
    if fault.errno in REFUSED:
        reason = sentence(Path(fault.filename or folder))
    elif isinstance(fault, (FileExistsError, NotADirectoryError)):
        reason = f"{fault.filename or folder} is no folder"
    return HaversackError(
        "state-unwritable",
        f"the state folder {folder} cannot be written: {reason}",
        hint="Give a folder that this user may write, on a disk with room: --state FOLDER, or "
        "HAVERSACK_STATE (or --database, where that named the file).",
        kind=Kind.UNAVAILABLE,
    )


def check_written(path: Path) -> None:
    """Whether the folder of the database file `path`, and the file, can be written.

    Asked only after something went wrong: a file of another user's can be in use all the same.
    Where the folder is not the reason, it says nothing.

    Raises:
        HaversackError: `state-unwritable`.
    """
    trial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with contextlib.suppress(OSError), explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            os.close(os.open(path, os.O_RDWR))
        try:
            trial.write_bytes(bytes(_TRY_BYTES))
        finally:
            with contextlib.suppress(OSError):
                trial.unlink()


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Work on the database file `path`, whose folder is named where the folder is the reason.

    Raises:
        HaversackError: `state-unwritable`. OSError: for every other reason.
    """
    try:
        yield
    except OSError as fault:
        is_not_made = fault.errno == errno.ENOENT and not path.parent.is_dir()
        if is_not_made or fault.errno in _OF_THE_FOLDER:
            raise state_unwritable(path, fault) from fault
        raise
