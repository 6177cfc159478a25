"""What a server serves goes to workers on other machines, through the store that all can read."""

from __future__ import annotations

import logging
from pathlib import Path

from haversack.errors import HaversackError
from haversack.jobs.pack_store import PackCopy, PackStore
from haversack.packfile.archive import PackFiles, open_pack
from haversack.serve.catalogue import Catalogue
from haversack.serve.room import least_bytes
from haversack.units import format_bytes

_log = logging.getLogger("haversack.serve")
_Key = tuple[str, str]


class Publisher:
    """A server's side: what is on offer has a copy, what it took away has none. One thread."""

    def __init__(self, catalogue: Catalogue, store: PackStore) -> None:
        self._catalogue = catalogue
        self._store = store
        self._told: dict[_Key, str] = {}

    def look(self) -> None:
        """Bring the store up to date. Raises `database-away`, `blobs-away`."""
        offered = {_key(files): files for files in self._catalogue.offers.all()}
        for key, files in offered.items():
            if self._told.get(key) != files.digest:
                try:
                    self._store.publish(files)
                except (HaversackError, OSError) as error:
                    if getattr(error, "code", "").endswith("-away"):
                        raise
                    _log.warning("%s@%s is not shared with other workers: %s", *key, error)
                self._told[key] = files.digest
        for key in [key for key in self._told if key not in offered]:
            self._store.withdraw(*key, self._told[key])
            del self._told[key]


class Collector:
    """A worker's side: what servers have put there is on offer here. One thread.

    Args:
        folder: where copies are kept.
    """

    def __init__(self, catalogue: Catalogue, store: PackStore, folder: Path) -> None:
        self._catalogue = catalogue
        self._store = store
        self._folder = folder
        self._brought: dict[_Key, str] = {}
        self._refused: set[str] = set()

    def look(self) -> None:
        """Bring what is on offer here up to date. Raises `database-away`, `blobs-away`."""
        copies = {(copy.name, copy.version): copy for copy in self._store.copies()}
        for key in [key for key in self._brought if key not in copies]:
            del self._brought[key]
            self._catalogue.forget(*key)
            _log.info("%s@%s is served no longer, and not done here any more", *key)
        for key, copy in copies.items():
            own = self._catalogue.offers.find(*key)
            is_new = own is None or self._brought.get(key) not in (None, copy.digest)
            if is_new and copy.digest not in self._refused:
                self._bring(key, copy)

    def _bring(self, key: _Key, copy: PackCopy) -> None:
        try:
            path = self._store.fetch(copy, self._folder)
            files = open_pack(path)
            self._check_fits(files)
            if key in self._brought:
                self._catalogue.forget(*key)
            self._catalogue.offer(path)
        except (HaversackError, OSError) as error:
            if getattr(error, "code", "").endswith("-away"):
                raise
            self._refused.add(copy.digest)
            _log.warning("%s@%s is not done here: %s", *key, str(error).partition("\n")[0])
            return
        self._brought[key] = copy.digest
        _log.info("%s@%s came from the server", *key)

    def _check_fits(self, files: PackFiles) -> None:
        house = self._catalogue.places.house
        need = least_bytes([house.sizes.of(files).while_opening()])
        if need > house.residency.packs_bytes:
            raise HaversackError(
                "memory-too-small",
                f"it takes about {format_bytes(need)}; packs may take "
                f"{format_bytes(house.residency.packs_bytes)}",
                hint="Start the worker with more --memory.",
            )


def _key(files: PackFiles) -> _Key:
    return files.manifest.name, files.manifest.version
