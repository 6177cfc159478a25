"""From what a person named to the photos of a survey: found, sorted, with stable keys."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from haversack.engine.photo import read_header
from haversack.errors import HaversackError, Kind, PhotoError
from haversack.permissions import closed_to_glob, not_permitted
from haversack.survey.run.suffixes import SUFFIXES

LIST_SUFFIXES = frozenset({".txt", ".lst"})
"""A named file that ends so is a list of photos, one a line."""

STANDARD_INPUT = "-"
_DATABASE = "run.sqlite"
_HEAD_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class SourcePhoto:
    """One file, as it was when it was listed.

    Attributes:
        path: relative to the root, with forward slashes; bytes that are no UTF-8 as surrogates.
        size_bytes, mtime_ns: of the file.
    """

    path: str
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The photos of a survey.

    Attributes:
        root: absolute folder that paths are relative to.
        photos: sorted by path; no file twice.
        ignored: suffix -> files in searched folders that are no photos.
        missing: listed by name, but not there.
        unreadable: folders that could not be searched, with the reason.
    """

    root: Path
    photos: tuple[SourcePhoto, ...]
    ignored: dict[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


@dataclass
class _Found:
    """What has been met so far; paths are absolute."""

    files: dict[str, os.stat_result] = field(default_factory=dict)
    bases: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


def find_photos(words: Sequence[str], stdin: TextIO, *, skip: Path | None = None) -> Sources:
    """Every photo that the words lead to.

    A folder is searched with its folders: files with a photo's name or a photo's first bytes.
    Other words are files, globs, lists of files (`.txt`, `.lst`, or `-` for `stdin`), relative to
    the working folder. The root is the one folder named, or the deepest that holds everything.

    Args:
        skip: a folder that is not searched: the run's own.

    Raises:
        HaversackError: `input-missing` where a word leads to no file, or all lead to no photo;
            `path-not-permitted` where a glob may not look.
    """
    found = _Found()
    avoid = str(skip.resolve()) if skip is not None else ""
    for word in words:
        _add(word, found, stdin, avoid)
    if not found.files:
        raise _missing(f"there are no photos in {', '.join(words) or 'nothing'}")
    root = os.path.commonpath(found.bases)
    photos = [
        SourcePhoto(
            path=os.path.relpath(path, root).replace(os.sep, "/"),
            size_bytes=told.st_size,
            mtime_ns=told.st_mtime_ns,
        )
        for path, told in found.files.items()
    ]
    return Sources(
        root=Path(root),
        photos=tuple(sorted(photos, key=lambda photo: photo.path)),
        ignored=dict(found.ignored.most_common()),
        missing=tuple(found.missing),
        unreadable=tuple(found.unreadable),
    )


def _add(word: str, found: _Found, stdin: TextIO, avoid: str) -> None:
    path = Path(word)
    if word == STANDARD_INPUT:
        _add_listed(stdin, "standard input", found)
    elif not word:
        raise _missing("an empty word was given for a path")
    elif path.is_dir():
        found.bases.append(str(path.resolve()))
        _search(str(path.resolve()), found, avoid)
    elif path.is_file() and path.suffix.lower() in LIST_SUFFIXES:
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
            _add_listed(lines, word, found)
    elif path.is_file():
        _add_file(path, found)
    elif path.exists():
        raise _missing(f"{word} is no regular file")
    else:
        matches = sorted(glob.glob(word, recursive=True))
        if not matches:
            closed = closed_to_glob(word)
            if closed is not None:
                raise not_permitted(closed)
            raise _missing(f"there is no file or folder {word}")
        for match in matches:
            if os.path.isdir(match) and "**" not in word:
                _add(match, found, stdin, avoid)
            elif os.path.isfile(match) and Path(match).suffix.lower() in SUFFIXES:
                _add_file(Path(match), found)


def _add_file(path: Path, found: _Found) -> None:
    whole = path.parent.resolve() / path.name
    found.bases.append(str(whole.parent))
    found.files[str(whole)] = whole.stat()


def _add_listed(lines: Iterable[str], name: str, found: _Found) -> None:
    listed = [line.rstrip("\r\n") for line in lines if line.strip()]
    if not listed:
        raise _missing(f"the list {name} names no photo")
    for line in listed:
        path = Path(line)
        try:
            if path.is_file():
                _add_file(path, found)
            else:
                found.missing.append(line)
        except PermissionError as fault:  # it may well be there
            found.unreadable.append(f"{line}: {fault.strerror}")
    if len(found.missing) == len(listed) and not found.files:
        raise _missing(f"none of the {len(listed)} files in the list {name} is there: {listed[0]}")


def _search(folder: str, found: _Found, avoid: str) -> None:
    def note(fault: OSError) -> None:
        found.unreadable.append(f"{fault.filename}: {fault.strerror}")

    for here, folders, _ in os.walk(folder, onerror=note):
        if here == avoid or os.path.exists(os.path.join(here, _DATABASE)):
            folders.clear()
            continue
        folders.sort()
        for entry in _files(here, note_to=found):
            if _is_photo(entry):
                found.files[entry.path] = entry.stat()
            else:
                found.ignored[os.path.splitext(entry.name)[1].lower() or "no suffix"] += 1


def _files(folder: str, *, note_to: _Found) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from sorted((e for e in entries if e.is_file()), key=lambda entry: entry.name)
    except OSError as fault:
        note_to.unreadable.append(f"{folder}: {fault.strerror}")


def _is_photo(entry: os.DirEntry[str]) -> bool:
    # macOS puts ._NAME.JPG beside NAME.JPG on a card or an exFAT disk: attributes, no photo.
    if entry.name.startswith("._"):
        return False
    if os.path.splitext(entry.name)[1].lower() in SUFFIXES:
        return True
    try:
        with open(entry.path, "rb") as stream:
            head = stream.read(_HEAD_BYTES)
        read_header(head)
    except PhotoError as fault:
        # Damaged, or longer than what was read: a photo all the same.
        return fault.code in ("image-truncated", "image-corrupt") and len(head) == _HEAD_BYTES
    except OSError:
        return False
    return True


def _missing(what: str) -> HaversackError:
    return HaversackError(
        "input-missing",
        what,
        hint="Give folders, photos, globs, a .txt list with one path a line, or - to read such a "
        "list from standard input.",
        kind=Kind.NOT_FOUND,
    )
