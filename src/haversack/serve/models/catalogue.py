"""The packs of a server: those that are loaded, those on offer, and those that could be."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from haversack.errors import HaversackError, Kind, PackError
from haversack.packfile.archive import PackFiles, open_pack
from haversack.packfile.repository import Repository
from haversack.packfile.unknown import closest
from haversack.serve.models.loaded import Key, LoadedModels, LoadPolicy, key_of
from haversack.serve.models.model import ServedModel
from haversack.serve.models.offers import Offers
from haversack.units import format_seconds

_log = logging.getLogger("haversack.serve")
_ON_OFFER = "it is loaded when it is asked for"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One version of one pack in the index.

    Attributes:
        state: "READY", "UNAVAILABLE" with a reason, or "" where it was never loaded.
    """

    name: str
    version: str
    state: str = ""
    reason: str = ""


class Catalogue:
    """Packs by name and version.

    Promises: `use`, `lease`, `models` and `index` may be called while another thread loads. Loads
    come one after another. A load that fails leaves what was loaded as it was.

    Attributes:
        loaded_models: what is loaded, and its memory.
        offers: what is loaded when it is asked for.
    """

    def __init__(
        self,
        open_model: Callable[[PackFiles], ServedModel],
        repositories: Sequence[Path],
        policy: LoadPolicy | None = None,
    ) -> None:
        self.loaded_models = LoadedModels(open_model, policy or LoadPolicy())
        self.offers = Offers()
        self._repositories = [Repository(root) for root in repositories]
        self._outside: dict[Key, Path] = {}
        self._outside_lock = threading.Lock()
        self._failed: dict[Key, str] = {}

    def add(
        self, pack: Path | PackFiles, *, keep_others: bool = False, pin: bool = False
    ) -> ServedModel:
        """Load a pack, which may lie outside every repository; it stays known.

        Args:
            pack: where it lies, or itself.
            pin: it is never evicted.
        """
        files = open_pack(pack) if isinstance(pack, Path) else pack
        with self.loaded_models.loading:
            model = self.loaded_models.load(files, keep_others=keep_others)
            self._know(files)
            if pin:
                self.loaded_models.pinned.add(key_of(model))
        return model

    def offer(self, path: Path) -> bool:
        """Have the pack at `path` on offer: loaded now if it fits beside all others, else when it
        is asked for. Returns whether it was loaded.

        Raises:
            HaversackError: what opening raises.
        """
        files = open_pack(path)
        residency, sizes = self.loaded_models.policy.residency, self.loaded_models.policy.sizes
        if residency.fits(sizes.of(files)):
            self.add(files, keep_others=True)
            return True
        self._know(files)
        return False

    def load(self, name: str, version: str | None = None) -> ServedModel:
        """Load that version of `name`, or the highest; what was current answers until then.

        Raises:
            PackError: `pack-not-found`, kind NOT_FOUND; every refusal of `open_pack`.
            EngineError: the runtime refuses its graphs.
            HaversackError: `memory-too-small`, `too-busy`.
        """
        known = self._known()
        versions = [one for other, one in known if other == name and version in (None, one)]
        if not versions:
            raise PackError(
                "pack-not-found",
                f"there is no pack {name[:80]!r} here",
                kind=Kind.NOT_FOUND,
                hint=closest(name, {other for other, _ in known}),
            )
        chosen = max(versions, key=int)
        try:
            files = open_pack(known[(name, chosen)])
            with self.loaded_models.loading:
                model = self.loaded_models.load(files, keep_others=False)
                self.offers.put_alone(files)
        except Exception as error:
            self._failed[(name, chosen)] = _reason(error)
            raise
        self._failed.pop((name, chosen), None)
        return model

    def bring(self, name: str, version: str | None = None) -> None:
        """Load what is on offer and was asked for, unless it is loaded by now.

        Raises:
            HaversackError: as `load`.
        """
        with self.loaded_models.loading:
            there = [k for k in self.loaded_models.loaded(name) if version in (None, k[1])]
            files = self.offers.find(name, version)
            if there or files is None:
                return
            key = (name, files.manifest.version)
            try:
                model = self.loaded_models.load(files, keep_others=True)
            except Exception as error:
                self._failed[key] = _reason(error)
                raise
            self._failed.pop(key, None)
        took = format_seconds(model.load_seconds)
        _log.info("loaded %s@%s, which was asked for, in %s", *key, took)

    def unload(self, name: str, version: str | None = None) -> None:
        """Forget a pack until it is loaded again; requests under way finish.

        Raises:
            HaversackError: `pack-not-loaded`, where it was not on offer either.
        """
        with self.loaded_models.loading:
            was_offered = self.offers.take_away(name, version)
            there = [k for k in self.loaded_models.loaded(name) if version in (None, k[1])]
            if there or not was_offered:
                self.loaded_models.remove(name, version)

    def forget(self, name: str, version: str) -> None:
        """Stop serving a version that is about to be removed, if it is served."""
        with self.loaded_models.loading:
            self.offers.take_away(name, version)
            if (name, version) in self.loaded_models.loaded():
                self.loaded_models.remove(name, version)
        self._failed.pop((name, version), None)

    def use(self, name: str, version: str | None = None) -> AbstractContextManager[ServedModel]:
        """A model for the length of a block. Raises HaversackError `pack-not-loaded`."""
        return self.loaded_models.use(name, version)

    def lease(self, name: str, version: str | None = None) -> ServedModel | None:
        """A model for a request that infers, to be given to `release`; None where it is on offer,
        and `bring` must load it first.

        Raises:
            HaversackError: `pack-not-loaded`, where it is not on offer either.
        """
        try:
            return self.loaded_models.lease(name, version)
        except HaversackError:
            if self.offers.find(name, version) is None:
                raise
            return None

    def release(self, model: ServedModel) -> None:
        """Give back what `lease` gave."""
        self.loaded_models.release(model)

    def models(self) -> list[ServedModel]:
        """Every loaded model, by name."""
        found = map(self.loaded_models.model, self.loaded_models.loaded())
        return [model for model in found if model is not None]

    def waiting(self) -> list[PackFiles]:
        """What is on offer and not loaded, by name and version."""
        loaded = set(self.loaded_models.loaded())
        return [
            files
            for files in self.offers.all()
            if (files.manifest.name, files.manifest.version) not in loaded
        ]

    def path_of(self, name: str, version: str) -> Path | None:
        """Where that version lies, or None."""
        return self._known().get((name, version))

    def index(self) -> list[Row]:
        """Every version of every pack, by name and version."""
        loaded = set(self.loaded_models.loaded())
        rows = []
        for name, version in sorted(loaded | set(self._known()), key=lambda p: (p[0], int(p[1]))):
            reason = self._failed.get((name, version), "")
            if not reason and self.offers.find(name, version) is not None:
                reason = _ON_OFFER
            if (name, version) in loaded:
                rows.append(Row(name=name, version=version, state="READY"))
            else:
                state = "UNAVAILABLE" if reason else ""
                rows.append(Row(name=name, version=version, state=state, reason=reason))
        return rows

    def _know(self, files: PackFiles) -> None:
        with self._outside_lock:
            self._outside[files.manifest.name, files.manifest.version] = files.location
        self.offers.put(files)

    def _known(self) -> dict[Key, Path]:
        """Every version that can be loaded; the first repository that has one wins."""
        with self._outside_lock:
            outside = dict(self._outside)
        known = {key: path for key, path in outside.items() if path.exists()}
        for repository in self._repositories:
            for entry in repository.entries():
                known.setdefault((entry.name, entry.version), entry.path)
        return known


def _reason(error: Exception) -> str:
    """Why a pack is not loaded, for everyone who may ask: nothing of the server's own places."""
    return error.message if isinstance(error, HaversackError) else "it could not be read"
