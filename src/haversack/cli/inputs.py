"""From what a person typed to the files that are meant."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from haversack.errors import HaversackError, Kind

# By suffix only where a folder is searched; a file that is named is read whatever its name.
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic", ".mpo"}
)


def expand(words: Sequence[str]) -> list[Path]:
    """Files in the order given: a folder's photos (and its folders') sorted, globs sorted.

    Raises:
        HaversackError: `input-missing` where a word leads to no file.
    """
    return [path for word in words for path in _expand_one(word)]


def _expand_one(word: str) -> Iterator[Path]:
    path = Path(word)
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        if not found:
            raise _missing(f"the folder {word} holds no photos")
        yield from found
    elif path.exists():
        yield path
    else:
        matches = sorted(Path(match) for match in glob.glob(word, recursive=True))
        if not matches:
            raise _missing(f"there is no file {word}")
        for match in matches:
            if match.is_file():
                yield match


def _missing(what: str) -> HaversackError:
    return HaversackError(
        "input-missing",
        what,
        hint="Give photos, folders or globs; in a folder these are photos: "
        f"{', '.join(sorted(SUFFIXES))}.",
        kind=Kind.NOT_FOUND,
    )
