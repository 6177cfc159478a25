"""profile.toml: what a pack takes in memory and time, measured on one machine."""

from __future__ import annotations

import contextlib
import datetime
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import tomli_w

from haversack.errors import HaversackError, PackError
from haversack.packfile.archive import PackFiles
from haversack.packfile.faults import convert_table
from haversack.packfile.manifest import Name, Sha256, Version
from haversack.packfile.rules import PROFILE_NAME

Bytes = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[float, msgspec.Meta(ge=0.0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of profile.toml: immutable, by keyword, no field but its own."""


class Machine(_Table, frozen=True, kw_only=True):
    """Where it was measured."""

    cpus: Count
    machine: str
    system: str
    runtime: str


class MemoryFormula(_Table, frozen=True, kw_only=True):
    """Memory as a sum; every term is the growth of a process's resident memory.

    Attributes:
        runtime_bytes: Python with the engine, and no pack.
        session_bytes: opening and warming the pack adds, and keeps.
        call_bytes: one call adds while it runs, with one photo or row.
        row_bytes: each further photo or row of the same call adds.
        photo_pixel_bytes: decoding and fitting a JPEG adds, for each pixel of it; it is decoded
            smaller where the pack has no use for more.
    """

    runtime_bytes: Bytes
    session_bytes: Bytes
    call_bytes: Bytes
    row_bytes: Bytes
    photo_pixel_bytes: Positive = 0.0

    def call_of(self, rows: int) -> int:
        """Bytes that one call with so many photos or rows adds while it runs."""
        return self.call_bytes + self.row_bytes * (rows - 1)


class Case(_Table, frozen=True, kw_only=True):
    """One measured case.

    Attributes:
        megapixels: of the photo, decoded and fitted in the time; 0 where only the model ran.
        batch: photos or rows in the call.
        threads: inside it.
        seconds: the median.
        peak_bytes: above the process at rest.
    """

    megapixels: Positive
    batch: Count
    threads: Count
    seconds: Positive
    peak_bytes: Bytes


class Profile(_Table, frozen=True, kw_only=True):
    """profile.toml."""

    format: Literal[1]
    name: Name
    version: Version
    digest: Sha256
    created: datetime.datetime
    machine: Machine
    memory: MemoryFormula
    cases: tuple[Case, ...] = ()


def parse(data: bytes) -> Profile:
    """The profile in the bytes of a profile.toml.

    Raises:
        PackError: `profile-invalid` with every fault in `details`.
    """
    try:
        table: dict[str, Any] = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _invalid(f"the profile is not TOML: {error}") from error
    faults: list[str] = []
    values = convert_table(Profile, table, "", faults)
    if faults:
        raise _invalid(f"the profile has {len(faults)} faults", tuple(faults[:50]))
    return Profile(**values)


def encode(profile: Profile) -> bytes:
    """profile.toml for `profile`; `parse(encode(p)) == p`."""
    plain = msgspec.to_builtins(profile, builtin_types=(datetime.datetime,))
    return tomli_w.dumps(plain).encode()


def place(cache: Path, digest: str) -> Path:
    """Where this machine's profile of the pack with that digest lies."""
    return cache / "profiles" / f"{digest}.toml"


def store(cache: Path, profile: Profile) -> Path:
    """Keep a profile for this machine; it appears whole or not at all. Returns where."""
    target = place(cache, profile.digest)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.write_bytes(encode(profile))
    os.replace(draft, target)
    return target


def find(cache: Path, digest: str) -> Profile | None:
    """This machine's own profile of a pack; None where there is none that can be read."""
    with contextlib.suppress(OSError, HaversackError):
        found = parse(place(cache, digest).read_bytes())
        if found.digest == digest:
            return found
    return None


def shipped(files: PackFiles) -> Profile | None:
    """The hint that came with a pack, measured on its maker's machine; None without one.

    It is the one file of a pack without a checksum: whoever is wrong here is only passed over.
    """
    if PROFILE_NAME not in files.names:
        return None
    with contextlib.suppress(OSError, HaversackError):
        found = parse(files.read(PROFILE_NAME))
        if found.digest == files.digest:
            return found
    return None


def _invalid(message: str, faults: tuple[str, ...] = ()) -> PackError:
    return PackError(
        "profile-invalid",
        message,
        hint="Measure it again with: haversack pack profile PACK",
        details=faults,
    )
