"""Which entries a folder or archive may have to be a pack: safe names, no links, not too many."""

from __future__ import annotations

from haversack.errors import PackError

ENTRIES_LIMIT = 10_000
"""Files in one pack."""

_PART_LIMIT_BYTES = 255


def path_fault(name: str) -> str:
    """What makes `name` unsafe as a relative path with "/", or "" where nothing does.

    Drive letters and backslashes are refused on every system: a pack travels.
    """
    if not name:
        return "it is empty"
    if name.startswith("/"):
        return "it is an absolute path"
    if "\\" in name:
        return "it has a backslash"
    if ":" in name:
        return "it has a colon, as drive letters do"
    if not name.isprintable():
        return "it has control characters"
    for part in name.split("/"):
        if part in ("", ".", ".."):
            return f"it has the part {part!r}"
        if len(part.encode("utf-8", "surrogatepass")) > _PART_LIMIT_BYTES:
            return f"it has a part longer than {_PART_LIMIT_BYTES} bytes"
    return ""


def check_entry_count(count: int) -> None:
    """Raises PackError `pack-too-many-files` above ENTRIES_LIMIT."""
    if count > ENTRIES_LIMIT:
        raise PackError(
            "pack-too-many-files", f"the pack has more than {ENTRIES_LIMIT} files, the most allowed"
        )


def link_error(name: str) -> PackError:
    """The refusal of a symbolic link: `pack-link`."""
    return PackError(
        "pack-link",
        f"{name!r} is a symbolic link; a pack holds its files itself",
        hint="Put the file itself in its place.",
    )


def special_error(name: str) -> PackError:
    """The refusal of a device, a pipe or a socket: `pack-special-file`."""
    return PackError("pack-special-file", f"{name!r} in the pack is no plain file")
