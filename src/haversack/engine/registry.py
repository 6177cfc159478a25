"""Packs by name and version; a switch that no request notices."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from haversack.engine.results import PackIdentity
from haversack.errors import HaversackError, Kind
from haversack.packfile.archive import PackFiles


class Loadable(Protocol):
    """What a registry holds: a predictor, or what a server keeps around one."""

    @property
    def identity(self) -> PackIdentity:
        """Whose name and version it goes by."""
        ...

    def warm(self) -> None:
        """Run once, so that the first caller does not pay for it."""
        ...


P = TypeVar("P", bound=Loadable)


class Registry(Generic[P]):
    """Open packs by name and version; of each name one version is current.

    Promises: methods may be called by several threads at once. `load` opens and warms the new pack
    while the old one answers, then switches in one step. What is taken with `use` stays open
    until given back, and is dropped, with its memory, when it is neither loaded nor in use. A
    load that fails changes nothing.
    """

    def __init__(self, open_pack: Callable[[PackFiles], P]) -> None:
        self._open_pack = open_pack
        self._lock = threading.Lock()
        self._loaded: dict[str, dict[str, P]] = {}

    def load(self, files: PackFiles, *, keep_others: bool = False) -> P:
        """Open and warm a pack, and make it the current one of its name.

        Args:
            keep_others: keep the name's other versions loaded, to be asked for by version.
        """
        opened = self._open_pack(files)
        opened.warm()
        name, version = opened.identity.name, opened.identity.version
        with self._lock:
            others = self._loaded.get(name, {}) if keep_others else {}
            others = {key: value for key, value in others.items() if key != version}
            self._loaded[name] = {**others, version: opened}
        return opened

    def unload(self, name: str, version: str | None = None) -> None:
        """Forget every version of a pack, or one; calls under way finish.

        Raises:
            HaversackError: `pack-not-loaded`.
        """
        with self._lock:
            versions = self._loaded.get(name, {})
            if not versions or (version is not None and version not in versions):
                raise self._missing(name, version)
            left = {} if version is None else {k: v for k, v in versions.items() if k != version}
            if left:
                self._loaded[name] = left
            else:
                del self._loaded[name]

    def arrange(self, name: str, versions: Sequence[str]) -> None:
        """Have those of these versions that are loaded in this order: the last one is current."""
        with self._lock:
            have = self._loaded.get(name, {})
            rest = {version: opened for version, opened in have.items() if version not in versions}
            arranged = rest | {version: have[version] for version in versions if version in have}
            if arranged:
                self._loaded[name] = arranged

    @contextmanager
    def use(self, name: str, version: str | None = None) -> Iterator[P]:
        """What is loaded, for the length of a block: the current version, or the one asked for.

        Raises:
            HaversackError: `pack-not-loaded`.
        """
        with self._lock:
            versions = self._loaded.get(name, {})
            # The last one loaded is current: dicts keep their order.
            wanted = version if version is not None else next(reversed(versions), "")
            if wanted not in versions:
                raise self._missing(name, version)
            found = versions[wanted]
        yield found

    def loaded(self) -> list[tuple[str, str]]:
        """(name, version) of every loaded pack, by name, the current version last."""
        with self._lock:
            return [(n, v) for n in sorted(self._loaded) for v in self._loaded[n]]

    def _missing(self, name: str, version: str | None) -> HaversackError:
        asked = name if version is None else f"{name}@{version}"
        have = ", ".join(f"{n}@{v}" for n in sorted(self._loaded) for v in self._loaded[n])
        return HaversackError(
            "pack-not-loaded",
            f"{asked} is not loaded; loaded are: {have or 'none'}",
            hint="Load it first, or choose one of those.",
            kind=Kind.NOT_FOUND,
        )
