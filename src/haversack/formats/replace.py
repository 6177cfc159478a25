"""Files and folders that appear whole or not at all: written beside, then put in place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from haversack.errors import HaversackError, Kind

NOTE_NAME = "haversack-export.json"
"""Lies in every folder that an export made; only such a folder is replaced by a later one."""


@contextmanager
def replaced_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write; it takes the place of `path` when the block ends without an exception.

    Raises:
        HaversackError: `export-unwritable` for whatever the system refuses.
    """
    beside = _beside(path)
    try:
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                yield file
            beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink()


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill; it takes the place of `path` when the block ends without exception.

    The block leaves a note in it (`NOTE_NAME`).

    Raises:
        HaversackError: `export-over-folder` where `path` holds what no export wrote;
            `export-unwritable` for whatever the system refuses.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()) or _holds_other_things(path):
        raise HaversackError(
            "export-over-folder",
            f"the export would replace {path}, which no export has written",
            hint="Give a folder that is not there yet, or an empty one.",
            kind=Kind.CONFLICT,
        )
    beside, old = _beside(path), _beside(path).with_suffix(".old")
    try:
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # What a killed process of the same number left.
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
            yield beside
            if path.exists():
                path.replace(old)
            beside.replace(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_note(folder: Path, note: dict[str, object]) -> None:
    """Say in the folder what it holds, and so that an export made it."""
    (folder / NOTE_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(note)) + b"\n")


def _holds_other_things(path: Path) -> bool:
    return path.is_dir() and any(path.iterdir()) and not (path / NOTE_NAME).is_file()


def _beside(path: Path) -> Path:
    """A hidden name in the same folder, so that putting it in place moves no bytes."""
    return path.with_name(f".{path.name[:100]}.{os.getpid()}.part")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise HaversackError(
            "export-unwritable",
            f"{path} cannot be written: {fault.strerror or fault}",
            hint="Check that the folder may be written and that its disk has room.",
            kind=Kind.UNAVAILABLE,
        ) from fault
