"""What a server serves goes to workers on other machines, through the store that all can read."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from haversack.errors import HaversackError
from haversack.jobs.pack_store import PackCopy, PackStore
from haversack.log import first_line
from haversack.packfile.archive import PackFiles, open_pack
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.memory_plan import least_bytes
from haversack.serve.models.residency import memory_option, on_device
from haversack.serve.models.retries import Retries
from haversack.units import format_bytes

_log = logging.getLogger("haversack.serve")
_Key = tuple[str, str]


class Publisher:
    """A server's side: what is on offer has a copy, what it took away has none. One thread.

    What cannot be copied now is tried again; other packs do not wait for it.
    """

    def __init__(
        self, catalogue: Catalogue, store: PackStore, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._told: dict[_Key, str] = {}
        self._retries: Retries[tuple[_Key, str]] = Retries(clock)

    def update(self) -> None:
        """Bring the store up to date. Raises `database-away`, `blobs-away`."""
        offered = {_key(files): files for files in self._catalogue.offers.all()}
        self._retries.keep({(key, files.digest) for key, files in offered.items()})
        for key, files in offered.items():
            if self._told.get(key) != files.digest and self._retries.is_due((key, files.digest)):
                self._publish(key, files)
        for key in [key for key in self._told if key not in offered]:
            self._store.withdraw(*key, self._told[key])
            del self._told[key]

    def _publish(self, key: _Key, files: PackFiles) -> None:
        try:
            self._store.publish(files)
        except (HaversackError, OSError) as error:
            _raise_if_away(error)
            if self._retries.failed((key, files.digest), error):
                _log.warning(
                    "%s@%s is not shared with other workers; it is tried again: %s",
                    *key,
                    first_line(error),
                )
            return
        self._retries.done((key, files.digest))
        self._told[key] = files.digest


class Collector:
    """A worker's side: what servers have put there is on offer here. One thread.

    What cannot be brought now is tried again; other packs do not wait for it.

    Args:
        folder: where copies are kept.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        store: PackStore,
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._folder = folder
        self._brought: dict[_Key, str] = {}
        self._retries: Retries[str] = Retries(clock)

    def update(self) -> None:
        """Bring what is on offer here up to date. Raises `database-away`."""
        copies = {(copy.name, copy.version): copy for copy in self._store.copies()}
        self._retries.keep({copy.digest for copy in copies.values()})
        for key in [key for key in self._brought if key not in copies]:
            del self._brought[key]
            self._catalogue.forget(*key)
            _log.info("%s@%s is served no longer, and not done here any more", *key)
        for key, copy in copies.items():
            own = self._catalogue.offers.find(*key)
            is_new = own is None or self._brought.get(key) not in (None, copy.digest)
            if is_new and self._retries.is_due(copy.digest):
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
            _raise_if_away(error)
            if self._retries.failed(copy.digest, error):
                _log.warning(
                    "%s@%s is not done here; it is tried again: %s", *key, first_line(error)
                )
            return
        self._retries.done(copy.digest)
        self._brought[key] = copy.digest
        _log.info("%s@%s came from the server", *key)

    def _check_fits(self, files: PackFiles) -> None:
        policy = self._catalogue.loaded_models.policy
        size = policy.sizes.of(files)
        part = policy.residency.too_small(size)
        if part is not None:
            need = least_bytes([size.on(part.device).while_opening()])
            raise HaversackError(
                "memory-too-small",
                f"it takes about {format_bytes(need)}; packs may take "
                f"{format_bytes(part.packs_bytes)}{on_device(part.device)}",
                hint=f"Start the worker with more {memory_option(part.device)}.",
            )


def _raise_if_away(error: HaversackError | OSError) -> None:
    """Without the database nothing else can be done either; blobs may be short of room for one."""
    if isinstance(error, HaversackError) and error.code == "database-away":
        raise error


def _key(files: PackFiles) -> _Key:
    return files.manifest.name, files.manifest.version
