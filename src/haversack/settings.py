"""What the environment says: the only reader of environment variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from haversack.errors import HaversackError
from haversack.units import parse_bytes

DEFAULT_DECODE_LIMIT_BYTES = 256 << 20
"""What decoding one photo may take: 100 megapixels as PNG were measured at 1,009 MB."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that hold for a whole process.

    Attributes:
        pack_repositories: folders in which packs are looked for by name, in order.
        state_folder: where a server keeps what it is sent, and what waits.
        cache_folder: where measurements of this machine are kept; all of it may be deleted.
        decode_limit_bytes: the estimated memory above which a photo is refused.
        names_decode_limit: whether the environment set it.
        database_url: where jobs are kept, or "" for a file in the state folder.
        api_key: for `haversack jobs --server`; "" for none.
        has_screen: whether a browser could be opened for the person who started this.
    """

    pack_repositories: tuple[Path, ...]
    state_folder: Path
    cache_folder: Path
    decode_limit_bytes: int = DEFAULT_DECODE_LIMIT_BYTES
    names_decode_limit: bool = False
    database_url: str = ""
    api_key: str = ""
    has_screen: bool = False


def read(environ: Mapping[str, str], *, home: Path, cwd: Path) -> Settings:
    """The settings in `environ`; nothing else is looked at.

    HAVERSACK_PACKS (folders, separated as in PATH) comes first, then ./packs, then
    $XDG_DATA_HOME/haversack/packs; relative folders are in `cwd`. HAVERSACK_DECODE_LIMIT is a
    size, like 512M. HAVERSACK_STATE is a folder, else $XDG_STATE_HOME/haversack;
    the cache is $XDG_CACHE_HOME/haversack. HAVERSACK_DATABASE is a URL, HAVERSACK_KEY an API key.
    Source: XDG Base Directory Specification 0.8 (a relative XDG_*_HOME is ignored).

    Raises:
        HaversackError: `setting-invalid`, naming the variable.
    """
    named = [part for part in environ.get("HAVERSACK_PACKS", "").split(os.pathsep) if part]
    data = _folder(environ, "XDG_DATA_HOME", default=home / ".local" / "share")
    state = _folder(environ, "XDG_STATE_HOME", default=home / ".local" / "state") / "haversack"
    cache = _folder(environ, "XDG_CACHE_HOME", default=home / ".cache") / "haversack"
    places = [*(cwd / part for part in named), cwd / "packs", data / "haversack" / "packs"]
    return Settings(
        pack_repositories=tuple(dict.fromkeys(places)),
        state_folder=cwd / (environ.get("HAVERSACK_STATE") or state),
        cache_folder=cache,
        names_decode_limit=bool(environ.get("HAVERSACK_DECODE_LIMIT", "").strip()),
        decode_limit_bytes=_size(
            environ, "HAVERSACK_DECODE_LIMIT", default=DEFAULT_DECODE_LIMIT_BYTES
        ),
        database_url=environ.get("HAVERSACK_DATABASE", "").strip(),
        api_key=environ.get("HAVERSACK_KEY", "").strip(),
        has_screen=bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
        or sys.platform in ("darwin", "win32"),
    )


def from_environment() -> Settings:
    """The settings of this process. Raises HaversackError `setting-invalid`."""
    return read(os.environ, home=_home(), cwd=Path.cwd())


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user without a name, as containers have them, and no HOME
        return Path("/")


def _folder(environ: Mapping[str, str], variable: str, *, default: Path) -> Path:
    path = Path(environ.get(variable, ""))
    return path if path.is_absolute() else default


def _size(environ: Mapping[str, str], variable: str, *, default: int) -> int:
    text = environ.get(variable, "")
    if not text.strip():
        return default
    try:
        size_bytes = parse_bytes(text)
    except HaversackError as error:
        raise HaversackError(
            "setting-invalid", f"{variable}: {error.message}", hint=error.hint
        ) from error
    if size_bytes == 0:
        raise HaversackError(
            "setting-invalid",
            f"{variable}: received {text!r}; more than nothing is needed",
            hint="Leave it unset for 256 MiB.",
        )
    return size_bytes
