"""What a photo of an upload may be called: its name becomes a path below a folder."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath

from haversack.errors import HaversackError

MOST_CHARACTERS = 400
_MOST_BYTES_OF_A_PART = 240


def check_photo_name(name: str, suffixes: Collection[str] = ()) -> None:
    """Whether a name is a relative path that leads nowhere else, with a photo's suffix.

    Args:
        suffixes: allowed ones in small letters, with their dot; none for any.

    Raises:
        HaversackError: `photo-name-invalid`.
    """
    fault = _fault(name) or _suffix_fault(name, suffixes)
    if fault:
        raise HaversackError(
            "photo-name-invalid",
            f"the photo's name is {name[:80]!r}; {fault}",
            hint="Give the path that it has in its folder, such as camera-3/IMG_0001.JPG.",
        )


def _fault(name: str) -> str:
    if not 0 < len(name) <= MOST_CHARACTERS:
        return f"1 to {MOST_CHARACTERS} characters are allowed"
    if not name.isprintable() or "\\" in name:
        return "control characters and backslashes are not allowed"
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "a path from a folder down is needed, without '..' and empty parts"
    if parts[-1].startswith("._"):
        return "what begins with ._ holds another file's attributes, and no photo"
    if any(len(part.encode("utf-8", "surrogatepass")) > _MOST_BYTES_OF_A_PART for part in parts):
        return f"{_MOST_BYTES_OF_A_PART} bytes are allowed for each part of the path"
    return ""


def _suffix_fault(name: str, suffixes: Collection[str]) -> str:
    if not suffixes or PurePosixPath(name).suffix.lower() in suffixes:
        return ""
    return f"it must end in one of {' '.join(sorted(suffixes))}"
