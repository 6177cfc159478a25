"""A folder of packs, `name/version/`: listed, searched, and published into atomically."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from haversack.errors import Kind, PackError
from haversack.packfile.archive import open_pack
from haversack.packfile.rules import MANIFEST_NAME
from haversack.packfile.staging import move_into_place, staging_folder, sync_tree
from haversack.packfile.unknown import closest, not_a_pack, not_readable

RACES_LIMIT = 100
"""Times an automatic version is chosen anew because another process took it."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VERSION = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True, kw_only=True, order=True)
class PackEntry:
    """One version of one pack in a repository; ordered by name, then by version as a number."""

    name: str
    number: int
    path: Path

    @property
    def version(self) -> str:
        """The version as pack.toml writes it."""
        return str(self.number)


@dataclass(frozen=True, kw_only=True)
class FolderScan:
    """What was seen of the folder of one pack.

    Attributes:
        entries: versions, lowest first.
        closed: the folder itself, or versions in it, if this user may not look at them.
    """

    entries: list[PackEntry]
    closed: list[Path]

    def refuse_closed(self, version: str | None = None) -> None:
        """Say what may not be read, before it is said that nothing is there.

        Raises:
            PackError: `path-not-permitted`, unless it is another version than the one asked for.
        """
        for path in reversed(self.closed):
            if version is None or path.name == version or not _VERSION.fullmatch(path.name):
                raise not_readable(path)


class Repository:
    """The packs in one folder. Readers need no lock: a version appears whole, and never changes.

    Several processes may publish into the same folder at once.
    """

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Args: root: may be missing until the first `publish`. clock: Unix time in seconds."""
        self.root = root
        self._clock = clock

    def entries(self) -> list[PackEntry]:
        """Every version of every pack, sorted; dot-folders and other things are passed over."""
        return self.scan_all().entries

    def closed(self) -> list[Path]:
        """What may hold packs and may not be looked at by this user: not there is another thing."""
        return self.scan_all().closed

    def scan_all(self) -> FolderScan:
        """Both of these at once; of a folder that may not be listed it is the whole."""
        children, is_closed = _children(self.root)
        if is_closed:
            return FolderScan(entries=[], closed=[self.root])
        scans = [scan(child) for child in children if _NAME.fullmatch(child.name)]
        return FolderScan(
            entries=sorted(entry for one in scans for entry in one.entries),
            closed=[path for one in scans for path in one.closed],
        )

    def find(self, name: str, version: str | None = None) -> Path:
        """The folder of that version, or of the highest.

        Raises:
            PackError: `pack-not-found`, kind NOT_FOUND, with what there is; `path-not-permitted`.
        """
        found = self.scan(name)
        for entry in reversed(found.entries):
            if version is None or entry.version == version:
                return entry.path
        found.refuse_closed(version)
        raise PackError(
            "pack-not-found",
            f"{self.root} has no {name if version is None else f'{name}@{version}'}",
            kind=Kind.NOT_FOUND,
            hint=closest(name, {entry.name for entry in self.entries()}),
            details=(self.contents(),),
        )

    def contents(self) -> str:
        """One line that says what there is: "packs: iris 1, 2; yolox-nano 1"."""
        held: dict[str, list[str]] = {}
        for entry in self.entries():
            held.setdefault(entry.name, []).append(entry.version)
        listing = "; ".join(f"{name} {', '.join(numbers)}" for name, numbers in held.items())
        return f"{self.root}: {listing or self._nothing()}"

    def publish(self, name: str, version: str | None, write: Callable[[Path, str], None]) -> Path:
        """A new version, written by `write` and moved into place when it opens as a pack.

        Args:
            name: of the pack.
            version: None for the highest there is + 1, from "1".
            write: is given an empty folder to fill, and the version to write into pack.toml. It
                is called again with another version where that one was taken meanwhile. What it
                raises goes through, and nothing stays behind.

        Raises:
            PackError: `pack-version-exists`, kind CONFLICT; `pack-name-invalid`;
                `pack-name-differs` where pack.toml has another name or version; every refusal of
                `open_pack`.
        """
        check_name(name, version)
        self.root.mkdir(parents=True, exist_ok=True)
        for _ in range(RACES_LIMIT):
            chosen = self._next(name) if version is None else version
            target = self.root / name / chosen
            if not target.exists() and self._write(name, chosen, write):
                return target
            if version is not None:
                break
        raise PackError(
            "pack-version-exists",
            f"{name} {chosen} is already in {self.root}; the next free version is "
            f"{self._next(name)}",
            kind=Kind.CONFLICT,
            hint="Leave the version out to take the next free one.",
        )

    def remove(self, name: str, version: str) -> None:
        """Remove one version: it is gone at once, for every reader. Errors as `find`."""
        path = self.find(name, version)
        with staging_folder(self.root, clock=self._clock) as staging:
            path.rename(staging / "removed")
        with contextlib.suppress(OSError):  # other versions are left
            path.parent.rmdir()

    def _write(self, name: str, version: str, write: Callable[[Path, str], None]) -> bool:
        """Fill, check and move one version; False where it was taken meanwhile."""
        with staging_folder(self.root, clock=self._clock) as staging:
            draft = staging / "pack"
            draft.mkdir()
            write(draft, version)
            manifest = open_pack(draft).manifest
            if (manifest.name, manifest.version) != (name, version):
                raise PackError(
                    "pack-name-differs",
                    f"pack.toml says {manifest.name} {manifest.version}, to be published as "
                    f"{name} {version}",
                    kind=Kind.INTERNAL,
                )
            sync_tree(draft)
            (self.root / name).mkdir(exist_ok=True)
            return move_into_place(draft, self.root / name / version)

    def versions(self, name: str) -> list[PackEntry]:
        """The versions of one pack, lowest first; [] where there are none."""
        return self.scan(name).entries

    def scan(self, name: str) -> FolderScan:
        """The versions of one pack, and what could not be told of them."""
        nothing = FolderScan(entries=[], closed=[])
        if not _NAME.fullmatch(name):
            return nothing
        found = scan(self.root / name)
        # A folder may be entered where it may not be listed; what is in neither is another's.
        return nothing if not found.entries and _children(self.root)[1] else found

    def _nothing(self) -> str:
        if self.closed():
            return "may not be read by this user"
        return "no packs" if self.root.is_dir() else "no such folder"

    def _next(self, name: str) -> str:
        """One above every folder named like a version, whole packs or not."""
        taken = [int(c.name) for c in (self.root / name).glob("*") if _VERSION.fullmatch(c.name)]
        return str(max(taken, default=0) + 1)


def scan(folder: Path) -> FolderScan:
    """The versions of the pack `folder`, and what could not be told."""
    children, is_closed = _children(folder)
    entries, closed = [], [folder] if is_closed else []
    for child in children:
        if not _VERSION.fullmatch(child.name):
            continue
        try:
            if (child / MANIFEST_NAME).is_file():
                entries.append(PackEntry(name=folder.name, number=int(child.name), path=child))
        except PermissionError:
            closed.append(child)
    return FolderScan(entries=sorted(entries), closed=sorted(closed))


def _children(folder: Path) -> tuple[list[Path], bool]:
    """What is in a folder, nothing where there is none; and whether it may not be read."""
    try:
        return (list(folder.iterdir()) if folder.is_dir() else []), False
    except FileNotFoundError:
        return [], False
    except PermissionError:
        return [], True


def resolve(text: str, repositories: Sequence[Path]) -> Path:
    """The folder or .pack file that PACK on a command line means.

    In this order: a folder with pack.toml; a folder whose children are versions (its highest); a
    .pack file; `name` or `name@version`, in the first of `repositories` that has it. A folder of
    that name that this user may not look into stops nobody who means a pack of a repository.

    Raises:
        PackError: `not-a-pack` for a file of another kind; `path-not-permitted` where it is, or may
            be, in a folder that this user may not read; `pack-not-found`, kind NOT_FOUND, with
            every place looked in and what is there.
    """
    path = Path(text)
    named, closed = _at(path)
    if named is not None:
        return named
    name, _, version = text.partition("@")
    places = [Repository(root) for root in repositories]
    for place in places:
        for entry in reversed(place.versions(name)):
            if entry.version == version or "@" not in text:
                return entry.path
    if closed is not None:
        raise not_readable(closed)
    for place in places:
        place.scan(name).refuse_closed(version or None)
    if path.is_dir():
        raise not_a_pack(path)
    known = {entry.name for place in places for entry in place.entries()}
    raise PackError(
        "pack-not-found",
        f"there is no pack {text!r}: no such folder or .pack file, and no repository has it",
        kind=Kind.NOT_FOUND,
        hint=closest(name, known),
        details=tuple(place.contents() for place in places),
    )


def _at(path: Path) -> tuple[Path | None, Path | None]:
    """The pack that a path itself names, or what keeps this user from telling; None for none.

    Raises:
        PackError: `not-a-pack` for a file of another kind.
    """
    try:
        if path.is_dir():
            if (path / MANIFEST_NAME).is_file():
                return path, None
            inside = scan(path)
            if inside.entries:
                return inside.entries[-1].path, None
            # The highest version first.
            closed = [*reversed(inside.closed), *Repository(path).closed()]
            return None, closed[0] if closed else None
        if not path.is_file():
            return None, None
    except PermissionError:
        return None, path
    if path.suffix.lower() == ".pack":
        return path, None
    raise not_a_pack(path)


def check_name(name: str, version: str | None) -> None:
    """Refuse what cannot name a pack, or number one: PackError `pack-name-invalid`."""
    if not _NAME.fullmatch(name):
        raise PackError(
            "pack-name-invalid",
            f"received the name {name!r}; a-z, 0-9, '.', '_' and '-' are allowed, beginning with a "
            "letter or digit, 64 at most",
        )
    if version is not None and not _VERSION.fullmatch(version):
        raise PackError(
            "pack-name-invalid", f"received the version {version!r}; a whole number is allowed"
        )
