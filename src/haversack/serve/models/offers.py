"""Packs on offer: what a server loads by itself when it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from haversack.packfile.archive import PackFiles
from haversack.packfile.manifest import Manifest


class Offers:
    """Checked packs by name and version. Safe to use from several threads.

    A pack of a repository is not on offer by lying there: whoever may only infer must not load
    what the server's owner never named.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[str, dict[str, PackFiles]] = {}

    def put(self, files: PackFiles) -> None:
        """Offer one more version."""
        with self._lock:
            versions = self._files.setdefault(files.manifest.name, {})
            versions[files.manifest.version] = files

    def put_alone(self, files: PackFiles) -> None:
        """Offer this version, and no other one of its name."""
        with self._lock:
            self._files[files.manifest.name] = {files.manifest.version: files}

    def take_away(self, name: str, version: str | None = None) -> bool:
        """Offer every version no longer, or one. Returns whether there was any."""
        with self._lock:
            versions = self._files.get(name, {})
            if version is None:
                self._files.pop(name, None)
                return bool(versions)
            return versions.pop(version, None) is not None

    def find(self, name: str, version: str | None = None) -> PackFiles | None:
        """That version, or the highest; None where it is not on offer."""
        with self._lock:
            versions = self._files.get(name, {})
            wanted = max(versions, key=int, default="") if version is None else version
            return versions.get(wanted)

    def names(self, fits: Callable[[Manifest], bool] = lambda manifest: True) -> list[str]:
        """By which packs that fit are asked for: each by its name, and by name@version."""
        found = (files.manifest for files in self.all())
        return [
            name for one in found if fits(one) for name in (one.name, f"{one.name}@{one.version}")
        ]

    def all(self) -> list[PackFiles]:
        """Everything on offer, by name and version."""
        with self._lock:
            names = sorted(self._files)
            return [self._files[n][v] for n in names for v in sorted(self._files[n], key=int)]
