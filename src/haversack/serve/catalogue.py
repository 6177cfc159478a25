"""The packs of a server: those that are loaded, and those that could be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from haversack.engine.registry import Registry
from haversack.errors import HaversackError, Kind, PackError
from haversack.packfile.archive import PackFiles, open_pack
from haversack.packfile.repository import Repository
from haversack.packfile.unknown import closest
from haversack.serve.model import ServedModel


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

    Promises: `use`, `models` and `index` may be called while another thread loads. Loads come one
    after another. A load that fails leaves what was loaded as it was.
    """

    def __init__(
        self, open_model: Callable[[PackFiles], ServedModel], repositories: Sequence[Path]
    ) -> None:
        self._registry: Registry[ServedModel] = Registry(open_model)
        self._repositories = [Repository(root) for root in repositories]
        self._loading = threading.Lock()
        self._outside: dict[str, dict[str, Path]] = {}
        self._failed: dict[tuple[str, str], str] = {}

    def add(self, path: Path, *, keep_others: bool = False) -> ServedModel:
        """Load the pack at `path`, which may lie outside every repository; it stays known."""
        files = open_pack(path)
        model = self._load(files, keep_others=keep_others)
        self._outside.setdefault(model.identity.name, {})[model.identity.version] = path
        return model

    def load(self, name: str, version: str | None = None) -> ServedModel:
        """Load that version of `name`, or the highest; what was current answers until then.

        Raises:
            PackError: `pack-not-found`, kind NOT_FOUND; every refusal of `open_pack`.
            EngineError: the runtime refuses its graphs.
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
            return self._load(open_pack(known[(name, chosen)]), keep_others=False)
        except HaversackError as error:
            self._failed[(name, chosen)] = error.message
            raise

    def unload(self, name: str, version: str | None = None) -> None:
        """Forget a pack; requests under way finish. Raises HaversackError `pack-not-loaded`."""
        self._registry.unload(name, version)

    def forget(self, name: str, version: str) -> None:
        """Stop serving a version that is about to be removed, if it is served."""
        if (name, version) in self._registry.loaded():
            self._registry.unload(name, version)
        self._failed.pop((name, version), None)

    def use(self, name: str, version: str | None = None) -> AbstractContextManager[ServedModel]:
        """A model for the length of a block. Raises HaversackError `pack-not-loaded`."""
        return self._registry.use(name, version)

    def models(self) -> list[ServedModel]:
        """Every loaded model, by name."""
        found = []
        for name, version in self._registry.loaded():
            try:
                with self._registry.use(name, version) as model:
                    found.append(model)
            except HaversackError:  # unloaded meanwhile
                continue
        return found

    def path_of(self, name: str, version: str) -> Path | None:
        """Where that version lies, or None."""
        return self._known().get((name, version))

    def index(self) -> list[Row]:
        """Every version of every pack, by name and version."""
        loaded = set(self._registry.loaded())
        rows = []
        for name, version in sorted(loaded | set(self._known()), key=lambda p: (p[0], int(p[1]))):
            reason = self._failed.get((name, version), "")
            state = "READY" if (name, version) in loaded else "UNAVAILABLE" if reason else ""
            rows.append(Row(name=name, version=version, state=state, reason=reason))
        return rows

    def _load(self, files: PackFiles, *, keep_others: bool) -> ServedModel:
        with self._loading:
            model = self._registry.load(files, keep_others=keep_others)
        self._failed.pop((model.identity.name, model.identity.version), None)
        return model

    def _known(self) -> dict[tuple[str, str], Path]:
        """Every version that can be loaded; the first repository that has one wins."""
        known = {
            (name, version): path
            for name, paths in self._outside.items()
            for version, path in paths.items()
            if path.exists()
        }
        for repository in self._repositories:
            for entry in repository.entries():
                known.setdefault((entry.name, entry.version), entry.path)
        return known
