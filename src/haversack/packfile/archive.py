"""Packs as files: opened with every check made, written as one .pack, unpacked into a folder."""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from haversack.errors import Kind, PackError
from haversack.packfile.checks import ByteBudget, check_files, checksum_error, chunks, read_text
from haversack.packfile.files import ArchiveFiles, Files, FolderFiles
from haversack.packfile.manifest import Manifest, digest, parse
from haversack.packfile.rules import MANIFEST_NAME
from haversack.packfile.staging import staging_folder, sync_tree
from haversack.packfile.unknown import not_a_pack, not_found, not_readable

DEFAULT_UNPACKED_LIMIT_BYTES = 4 << 30
"""What a pack may hold, unpacked, unless the caller says otherwise."""

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date a zip can write
_MODE = (stat.S_IFREG | 0o644) << 16
_UNIX = 3


@dataclass(frozen=True, kw_only=True)
class PackFiles:
    """An opened pack in which everything has been checked. Safe to use from several threads.

    Attributes:
        manifest: its pack.toml.
        digest: sha256 of pack.toml.
        location: its folder or .pack file.
        limit_bytes: what it may hold unpacked.
    """

    manifest: Manifest
    digest: str
    location: Path
    limit_bytes: int
    _files: Files

    @property
    def names(self) -> tuple[str, ...]:
        """Every file of the pack, pack.toml too, sorted."""
        return self._files.names

    def path(self, name: str) -> Path | None:
        """Where the file `name` lies on disk by itself; None in a .pack.

        Raises:
            PackError: `pack-file-missing`, kind NOT_FOUND.
        """
        return self._files.path(self._known(name))

    def read(self, name: str) -> bytes:
        """The bytes of the file `name`, their checksum compared again.

        Raises:
            PackError: `pack-file-missing`; `pack-checksum` where it changed since it was opened.
        """
        checksum, data = hashlib.sha256(), bytearray()
        for piece in chunks(self._files, self._known(name), ByteBudget(self.limit_bytes)):
            checksum.update(piece)
            data += piece
        self._compare(name, checksum.hexdigest())
        return bytes(data)

    def copy(self, name: str, target: BinaryIO) -> None:
        """Write the bytes of the file `name` to `target` in pieces; errors as `read`."""
        checksum = hashlib.sha256()
        for piece in chunks(self._files, self._known(name), ByteBudget(self.limit_bytes)):
            checksum.update(piece)
            target.write(piece)
        self._compare(name, checksum.hexdigest())

    def write_into(self, folder: Path) -> None:
        """Write every file into an existing folder; errors as `read`."""
        for name in self.names:
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as stream:
                self.copy(name, stream)

    def _known(self, name: str) -> str:
        if name not in self._files.names:
            raise PackError(
                "pack-file-missing",
                f"{self.location} has no file {name!r}; it has {', '.join(self.names)}",
                kind=Kind.NOT_FOUND,
            )
        return name

    def _compare(self, name: str, received: str) -> None:
        expected = self.digest if name == MANIFEST_NAME else self.manifest.files.get(name, received)
        if received != expected:
            raise checksum_error(name, expected, received)


def open_pack(path: Path, *, unpacked_limit_bytes: int = DEFAULT_UNPACKED_LIMIT_BYTES) -> PackFiles:
    """The pack in the folder or .pack file `path`, after every check; nothing is written.

    Raises:
        PackError: `pack-not-found`, `not-a-pack`, `path-not-permitted`, `pack-format-unknown`,
            `manifest-invalid`, and the refusals of `zipmembers.read_members` and
            `checks.check_files`.
    """
    try:
        return _opened(path, unpacked_limit_bytes)
    except PermissionError as fault:
        raise not_readable(Path(fault.filename or path)) from fault


def _opened(path: Path, unpacked_limit_bytes: int) -> PackFiles:
    files = _container(path)
    if MANIFEST_NAME not in files.names:
        raise not_a_pack(path)
    budget = ByteBudget(unpacked_limit_bytes)
    data = read_text(files, MANIFEST_NAME, budget)
    manifest = parse(data)
    check_files(files, manifest, budget)
    return PackFiles(
        manifest=manifest,
        digest=digest(data),
        location=path,
        limit_bytes=unpacked_limit_bytes,
        _files=files,
    )


def write_archive(folder: Path, target: Path, *, overwrite: bool = False) -> Path:
    """Write the pack in `folder` as the one file `target`: the same bytes for the same pack.

    A stored zip, names sorted, dates fixed. `target` appears whole or not at all.

    Raises:
        PackError: `pack-exists`, kind CONFLICT; every refusal of `open_pack`, among them
            `graph-external-data`: a .pack holds its tensors inside its graphs.
    """
    pack = open_pack(folder)
    _refuse_existing(target, overwrite=overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    with staging_folder(target.parent) as staging:
        draft = staging / "draft.pack"
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as members:
            for name in pack.names:
                _add(members, pack, name)
        open_pack(draft)
        sync_tree(staging)
        _refuse_existing(target, overwrite=overwrite)
        os.replace(draft, target)
    return target


def opened_archive(pack: Path, folder: Path) -> BinaryIO:
    """The pack as one open file, without a name where it was made in `folder` for this.

    Raises:
        PackError: as `write_archive`. OSError.
    """
    if pack.is_file():
        return pack.open("rb")
    folder.mkdir(parents=True, exist_ok=True)
    with staging_folder(folder) as staging:
        return write_archive(pack, staging / "sent.pack").open("rb")


def _container(path: Path) -> Files:
    if path.is_dir():
        if not (path / MANIFEST_NAME).is_file():
            raise not_a_pack(path)
        return FolderFiles(path)
    if not path.is_file():
        raise not_found(path)
    with path.open("rb") as stream:
        if stream.read(4) != b"PK\x03\x04":
            raise not_a_pack(path)
    return ArchiveFiles(path)


def _add(members: zipfile.ZipFile, pack: PackFiles, name: str) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system, info.external_attr = _UNIX, _MODE
    source = pack.path(name)
    info.file_size = source.stat().st_size if source is not None else 0  # decides on zip64
    with members.open(info, "w") as member:
        pack.copy(name, member)  # type: ignore[arg-type]


def _refuse_existing(target: Path, *, overwrite: bool) -> None:
    if os.path.lexists(target) and not overwrite:
        raise _exists(target)


def _exists(target: Path) -> PackError:
    return PackError(
        "pack-exists",
        f"{target} is already there and is not replaced",
        kind=Kind.CONFLICT,
        hint="Choose another name, or move it away first.",
    )
