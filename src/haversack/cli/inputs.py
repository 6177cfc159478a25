"""From what a person typed to the files that are meant."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from haversack.cli.output import notes
from haversack.errors import HaversackError, Kind
from haversack.permissions import closed_to_glob, not_permitted, sentence

# By suffix only where a folder is searched; a file that is named is read whatever its name.
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic", ".mpo"}
)


def expand(words: Sequence[str]) -> list[Path]:
    """Files in the order given: a folder's photos (and its folders') sorted, globs sorted.

    A folder below that this user may not read is passed over, with a line on standard error.

    Raises:
        HaversackError: `input-missing` where a word leads to no file; `path-not-permitted` where
            that cannot be told.
    """
    return [path for word in words for path in _expand_one(word)]


def _expand_one(word: str) -> Iterator[Path]:
    path = Path(word)
    if not word:
        raise _missing("an empty word was given for a path")
    try:
        if path.is_dir():
            yield from _photos_in(path)
        elif path.is_file():
            yield path
        elif path.exists():
            raise _missing(f"{word} is no regular file")
        else:
            yield from _matches(word)
    except PermissionError as fault:
        raise not_permitted(path) from fault


def _photos_in(folder: Path) -> list[Path]:
    found: list[Path] = []
    closed: list[Path] = []
    walk = os.walk(folder, onerror=lambda fault: closed.append(Path(fault.filename)))
    for here, _, names in walk:
        for name in names:
            path = Path(here, name)
            try:
                if path.suffix.lower() in SUFFIXES and path.is_file():
                    found.append(path)
            except PermissionError:  # the folder may be listed, and not entered
                closed.append(Path(here))
                break
    if closed and not found:
        raise not_permitted(closed[0])
    if not found:
        raise _missing(f"the folder {folder} holds no photos")
    for path in closed:
        notes().print(f"Passed over: {sentence(path)}", style="yellow")
    return sorted(found)


def _matches(word: str) -> list[Path]:
    matches = sorted(Path(match) for match in glob.glob(word, recursive=True))
    files = [match for match in matches if match.is_file()]
    if not files:
        closed = closed_to_glob(word)
        if closed is not None:
            raise not_permitted(closed)
        raise _missing(f"{word} matches folders only" if matches else f"there is no file {word}")
    return files


def _missing(what: str) -> HaversackError:
    return HaversackError(
        "input-missing",
        what,
        hint="Give photos, folders or globs; in a folder these are photos: "
        f"{', '.join(sorted(SUFFIXES))}.",
        kind=Kind.NOT_FOUND,
    )
