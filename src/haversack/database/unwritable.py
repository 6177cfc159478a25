"""What to say where the folder of a SQLite file, which is a server's state, cannot be written."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from haversack.errors import HaversackError, Kind
from haversack.permissions import REFUSED, sentence

_TRY_BYTES = 4096


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

    Raises:
        HaversackError: `state-unwritable`.
    """
    trial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            os.close(os.open(path, os.O_RDWR))
        try:
            trial.write_bytes(bytes(_TRY_BYTES))
        finally:
            with contextlib.suppress(OSError):
                trial.unlink()
    except OSError as fault:
        raise state_unwritable(path, fault) from fault
