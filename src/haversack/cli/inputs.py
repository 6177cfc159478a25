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
    if not word:
        raise _missing("an empty word was given for a path")
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        if not found:
            raise _missing(f"the folder {word} holds no photos")
        yield from found
    elif path.is_file():
        yield path
    elif path.exists():
        raise _missing(f"{word} is no regular file")
    else:
        matches = sorted(Path(match) for match in glob.glob(word, recursive=True))
        files = [match for match in matches if match.is_file()]
        if not files:
            what = f"{word} matches folders only" if matches else f"there is no file {word}"
            raise _missing(what)
        yield from files


def _missing(what: str) -> HaversackError:
    return HaversackError(
        "input-missing",
        what,
        hint="Give photos, folders or globs; in a folder these are photos: "
        f"{', '.join(sorted(SUFFIXES))}.",
        kind=Kind.NOT_FOUND,
    )
