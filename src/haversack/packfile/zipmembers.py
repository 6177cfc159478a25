"""The directory of a stored zip, checked: where each member's bytes lie in the archive.

Source: PKWARE APPNOTE.TXT 6.3.10 (4.3.7 local file header, 4.4.4 flags, 4.4.15 attributes).
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from pathlib import Path

from haversack.errors import PackError
from haversack.packfile.paths import (
    ENTRIES_LIMIT,
    check_entry_count,
    link_error,
    path_fault,
    special_error,
)

DIRECTORY_LIMIT_BYTES = 4 << 20
"""A zip's central directory, which Python reads whole: 400 bytes for each of 10,000 entries."""

_ENCRYPTED = 0x1 | 0x40  # bit 0 encrypted, bit 6 strong encryption
_LOCAL_HEADER = struct.Struct("<4s2xHH16xHH")  # signature, flags, method, name and extra lengths
_LOCAL_SIGNATURE = b"PK\x03\x04"
_ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError, struct.error)


def read_members(archive: Path) -> dict[str, tuple[int, int]]:
    """Each file's name in `archive`, with the offset and length of its bytes.

    Entries of folders are checked and left out. Sizes are what the archive says: the reader
    counts what is there.

    Raises:
        PackError: `pack-archive-unreadable`, `pack-too-many-files`, `pack-unsafe-name`,
            `pack-duplicate-name`, `pack-link`, `pack-special-file`, `pack-encrypted`,
            `pack-compressed`.
        OSError: the file cannot be opened.
    """
    with _CappedReader(io.FileIO(archive)) as file:
        try:
            infos = zipfile.ZipFile(file).infolist()
        except _ZIP_ERRORS as error:
            raise _unreadable(str(error)) from error
        check_entry_count(len(infos))
        members: dict[str, tuple[int, int]] = {}
        for info in infos:
            _check_member(info)
            name = info.orig_filename
            if name in members:
                raise PackError("pack-duplicate-name", f"{name!r} is twice in the archive")
            members[name] = (_offset(file, info), info.file_size)
    return {name: place for name, place in members.items() if not name.endswith("/")}


class _CappedReader(io.BufferedReader):
    """A file that refuses the one huge read a forged central directory asks for."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = os.fstat(self.fileno()).st_size - self.tell()
        if size > DIRECTORY_LIMIT_BYTES:
            raise PackError(
                "pack-too-many-files",
                f"the archive's directory has {size} bytes; {DIRECTORY_LIMIT_BYTES} at most are "
                f"read, enough for the {ENTRIES_LIMIT} files allowed",
            )
        return super().read(size)


def _check_member(info: zipfile.ZipInfo) -> None:
    name, kind = info.orig_filename, stat.S_IFMT(info.external_attr >> 16)
    is_folder = name.endswith("/") and info.file_size == 0
    fault = path_fault(name[:-1] if is_folder else name)
    if fault:
        raise PackError("pack-unsafe-name", f"{name!r} in the archive is not safe: {fault}")
    if kind == stat.S_IFLNK:
        raise link_error(name)
    if kind not in (0, stat.S_IFDIR if is_folder else stat.S_IFREG):
        raise special_error(name)
    if info.flag_bits & _ENCRYPTED:
        raise PackError("pack-encrypted", f"{name!r} in the archive is encrypted")
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise PackError(
            "pack-compressed",
            f"{name!r} in the archive is compressed; a pack's files are stored",
            hint="Unpack it, and zip it again without compression (zip -0).",
        )


def _offset(file: io.BufferedReader, info: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin; its local header must say what the directory said."""
    name = info.orig_filename
    try:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER.size)
        signature, flags, method, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
        encoding = "utf-8" if flags & 0x800 else "cp437"  # bit 11: the name is UTF-8
        local_name = file.read(name_bytes).decode(encoding)
    except _ZIP_ERRORS as error:
        raise _unreadable(f"{name!r} is not where the directory says") from error
    if (signature, flags, method, local_name) != (
        _LOCAL_SIGNATURE,
        info.flag_bits,
        info.compress_type,
        name,
    ):
        raise _unreadable(f"the directory and the member disagree on {name!r}")
    return int(info.header_offset + _LOCAL_HEADER.size + name_bytes + extra_bytes)


def _unreadable(why: str) -> PackError:
    return PackError(
        "pack-archive-unreadable",
        f"the archive cannot be read: {why}",
        hint="The file may be cut short. Copy it again.",
    )
