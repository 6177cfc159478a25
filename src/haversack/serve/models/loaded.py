"""Packs brought into memory: beside the others, instead of the least used, or in a swap."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from haversack.engine.allocator import trim
from haversack.engine.devices import CPU
from haversack.engine.registry import Registry
from haversack.errors import HaversackError, Kind, RetryLaterError
from haversack.log import first_line
from haversack.packfile.archive import PackFiles
from haversack.serve.models.memory_plan import MemoryPlan
from haversack.serve.models.model import ServedModel
from haversack.serve.models.residency import (
    DevicePacks,
    Residency,
    memory_option,
    on_device,
)
from haversack.serve.models.sizes import PackBytes, Sizes
from haversack.serve.models.statistics import Statistics
from haversack.units import format_bytes, format_seconds

_log = logging.getLogger("haversack.serve")
Key = tuple[str, str]
"""A pack's name and version."""


@dataclass(frozen=True, kw_only=True)
class LoadPolicy:
    """What decides which packs are loaded, and when one must go.

    Attributes:
        plan: how memory was divided at the start; None where nobody did.
        residency: memory for packs.
        sizes: what each takes.
        drain_seconds: how long a swap or an eviction waits for requests under way.
        clock: seconds, rising.
        activity: something that changes while requests are answered: a measure is believed where
            it did not.
    """

    plan: MemoryPlan | None = None
    residency: Residency = field(default_factory=Residency)
    sizes: Sizes = field(default_factory=Sizes)
    drain_seconds: float = 30.0
    clock: Callable[[], float] = time.monotonic
    activity: Callable[[], object] = lambda: 0


@dataclass(kw_only=True)
class Counts:
    """What became of loaded packs: for /metrics and /status."""

    loads: int = 0
    evictions: int = 0
    swaps: int = 0
    last_swap_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Was:
    """A loaded pack as it was before it had to leave.

    Attributes:
        versions: all that were loaded of its name, the current one last.
    """

    files: PackFiles
    size: PackBytes
    used_at: float
    statistics: Statistics
    is_pinned: bool
    versions: Sequence[str]


class LoadedModels:
    """The loaded packs, each counted in `policy.residency` until its last user is gone.

    Promises: `load` and `remove` come one after another, on threads that may wait; the others
    never wait for them. A load that fails leaves loaded what was: nothing is unloaded before
    every request of it has ended, and what was unloaded by then is opened again, pinned and as
    lately used as before.
    """

    def __init__(self, open_model: Callable[[PackFiles], ServedModel], policy: LoadPolicy) -> None:
        self.policy = policy
        self.counts = Counts()
        self.registry: Registry[ServedModel] = Registry(open_model)
        self.loading = threading.RLock()
        self.pinned: set[Key] = set()
        self._state = threading.Condition()
        self._closing: set[Key] = set()
        self._retired: set[ServedModel] = set()

    def loaded(self, name: str | None = None) -> list[Key]:
        """Every loaded pack, or those of one name."""
        return [key for key in self.registry.loaded() if name in (None, key[0])]

    def model(self, key: Key) -> ServedModel | None:
        """A loaded pack, without using it."""
        try:
            with self.registry.use(*key) as model:
                return model
        except HaversackError:
            return None

    @contextmanager
    def use(self, name: str, version: str | None) -> Iterator[ServedModel]:
        """A model for the length of a block. Raises HaversackError `pack-not-loaded`."""
        with self._state, self.registry.use(name, version) as model:
            model.users += 1
        try:
            yield model
        finally:
            self.release(model)

    def lease(self, name: str, version: str | None) -> ServedModel | None:
        """A model to be given to `release`; None where it is about to be swapped.

        Raises:
            HaversackError: `pack-not-loaded`.
        """
        with self._state, self.registry.use(name, version) as model:
            if key_of(model) in self._closing:
                return None
            model.users += 1
            model.used_at = self.policy.clock()
            return model

    def release(self, model: ServedModel) -> None:
        """One user less."""
        with self._state:
            model.users -= 1
            if model.users == 0 and (self._retired or self._closing):
                self._settle(model)

    def load(self, files: PackFiles, *, keep_others: bool) -> ServedModel:
        """Load a pack, evicting the least used where that helps.

        Raises:
            HaversackError: `memory-too-small`, `too-busy`; what opening raises.
        """
        with self.loading:
            key = (files.manifest.name, files.manifest.version)
            size = self.policy.sizes.of(files)
            replaced = [k for k in self.loaded(key[0]) if k == key or not keep_others]
            was_pinned = any(one in self.pinned for one in replaced)
            leaving = self._leaving(key, size, replaced)
            if leaving or not self.policy.residency.fits(size):
                model = self._exchange(files, size, leaving, keep_others=keep_others)
            else:
                model = self._open(files, size, keep_others=keep_others)
            self.counts.loads += 1
            if was_pinned:
                self.pinned.add(key)
            return model

    def remove(self, name: str, version: str | None) -> None:
        """Unload; requests under way finish. Raises HaversackError `pack-not-loaded`."""
        with self.loading:
            with self._state:
                leaving = self._models([k for k in self.loaded(name) if version in (None, k[1])])
                self.registry.unload(name, version)
                self._retire(leaving)
            # Ended here and not under the lock, which requests take: 320 MB take 52 ms.
            del leaving
        trim()

    def _leaving(self, key: Key, size: PackBytes, replaced: Sequence[Key]) -> list[Key]:
        """Who must go before the pack fits: the least lately used others, and in the end those
        that it replaces; nobody where it fits as soon as those that were unloaded have ended.
        """
        with self._state:
            gone = {*self._retired}
        others = [k for k in self.loaded() if k not in self.pinned and k[0] != key[0]]
        others.sort(key=lambda k: getattr(self.model(k), "used_at", 0.0))
        leaving: list[Key] = []
        for more in ([], *([other] for other in others), replaced):
            leaving += more
            if self.policy.residency.fits(size, without={*gone, *self._models(leaving)}):
                return leaving
        residency = self.policy.residency
        full = residency.full(size, without={*gone, *self._models(leaving)})
        raise self._no_room(key, size, full or residency.machine)

    def _exchange(
        self, files: PackFiles, size: PackBytes, leaving: Sequence[Key], *, keep_others: bool
    ) -> ServedModel:
        """Those that leave finish and go before the new one comes: all do not fit."""
        name, began = files.manifest.name, self.policy.clock()
        full = self._full_beside(name, size, leaving)
        were = self._were(leaving)
        try:
            self._close(leaving, size)
            try:
                model = self._open(files, size, keep_others=keep_others)
            except BaseException as fault:
                self._bring_back(were, fault)
                raise
        finally:
            with self._state:
                self._closing.difference_update(leaving)
        for key in leaving:
            if key[0] != name:
                self.counts.evictions += 1
                _log.info("%s@%s made room; it is loaded again when it is asked for", *key)
        swapped = [key[1] for key in leaving if key[0] == name]
        if swapped:
            self._tell_swap(model, swapped, self.policy.clock() - began, full)
        return model

    def _full_beside(self, name: str, size: PackBytes, leaving: Sequence[Key]) -> DevicePacks:
        """Where a pack does not fit beside the versions of its name that leave for it."""
        residency = self.policy.residency
        with self._state:
            gone = {*self._retired}
        gone.update(self._models([key for key in leaving if key[0] != name]))
        return residency.full(size, without=gone) or residency.machine

    def _close(self, leaving: Sequence[Key], size: PackBytes) -> None:
        """Unload these once nobody uses them; nothing has changed where that takes too long."""
        residency, models = self.policy.residency, self._models(leaving)

        def is_free() -> bool:
            is_idle = all(model.users == 0 for model in models)
            return is_idle and residency.fits(size, without=models)

        with self._state:
            self._closing.update(leaving)
            self._wait_until(is_free)
            for key in leaving:
                self.registry.unload(*key)
            self._retire(models)
        models.clear()
        trim()

    def _were(self, leaving: Sequence[Key]) -> list[_Was]:
        return [
            _Was(
                files=model.files,
                size=model.size,
                used_at=model.used_at,
                statistics=model.statistics,
                is_pinned=key_of(model) in self.pinned,
                versions=[version for _, version in self.loaded(key_of(model)[0])],
            )
            for model in self._models(leaving)
        ]

    def _bring_back(self, were: Sequence[_Was], fault: BaseException) -> None:
        """Open again what was unloaded for a pack that could not be opened."""
        why: BaseException | None = fault
        while why is not None:
            # The frames of what failed hold what was opened of the new pack.
            traceback.clear_frames(why.__traceback__)
            why = why.__context__
        trim()
        for was in were:
            name, version = key = was.files.manifest.name, was.files.manifest.version
            try:
                model = self._open(was.files, was.size, keep_others=True)
            except Exception as error:
                text = "%s@%s made room in vain, and is loaded again when it is asked for: %s"
                _log.warning(text, name, version, first_line(error))
                continue
            model.used_at, model.statistics = was.used_at, was.statistics
            if was.is_pinned:
                self.pinned.add(key)
            self.registry.arrange(name, was.versions)

    def _tell_swap(
        self, model: ServedModel, old: Sequence[str], took_seconds: float, full: DevicePacks
    ) -> None:
        self.counts.swaps += 1
        self.counts.last_swap_seconds = took_seconds
        _log.info(
            "%s@%s took the place of %s, for which requests waited %s: both do not fit into %s%s",
            *(*key_of(model), ", ".join(old), format_seconds(took_seconds)),
            *(format_bytes(full.packs_bytes), on_device(full.device)),
        )

    def _open(self, files: PackFiles, size: PackBytes, *, keep_others: bool) -> ServedModel:
        """Open, warm and switch to a pack; it is counted by what it was seen to take."""
        name, version = files.manifest.name, files.manifest.version
        old = self._models([k for k in self.loaded(name) if k[1] == version or not keep_others])
        residency, token, before = self.policy.residency, object(), self.policy.activity()
        residency.enter(token, size.while_opening())
        try:
            model = self.registry.load(files, keep_others=keep_others)
        except BaseException:
            residency.leave(token)
            raise
        if self.policy.activity() == before and model.measured is not None:
            size = self.policy.sizes.learn(files, model.measured)
        model.size = size
        with self._state:
            model.used_at = self.policy.clock()
            residency.enter(model, size, instead_of=token)
            self._retire(old)
        for device, excess in residency.excess().items():
            text = "%s@%s takes %s more than there is room for packs%s"
            _log.warning(text, name, version, format_bytes(excess), on_device(device))
        return model

    def _retire(self, models: Sequence[ServedModel]) -> None:
        """Models that nobody can ask for any more; `_state` is held."""
        for model in models:
            self.pinned.discard(key_of(model))
            self._retired.add(model)
            if model.users == 0:
                self._settle(model)

    def _settle(self, model: ServedModel) -> None:
        """A retired model without users takes no memory any more; `_state` is held."""
        if model in self._retired:
            self._retired.discard(model)
            self.policy.residency.leave(model)
        self._state.notify_all()

    def _wait_until(self, is_true: Callable[[], bool]) -> None:
        """Until requests under way have ended; `_state` is held."""
        if not self._state.wait_for(is_true, self.policy.drain_seconds):
            raise RetryLaterError(
                "requests under way kept a pack in memory for too long; what should take its "
                "place was not loaded",
                retry_after_seconds=int(self.policy.drain_seconds) or 1,
                hint="Try again when the server is less busy.",
            )

    def _models(self, keys: Sequence[Key]) -> list[ServedModel]:
        return [model for key in keys if (model := self.model(key)) is not None]

    def _no_room(self, key: Key, size: PackBytes, full: DevicePacks) -> HaversackError:
        device, room = full.device, full.packs_bytes
        there = size.on(device)
        need = there.session_bytes + there.call_bytes
        pinned = ", ".join(sorted(f"{name}@{version}" for name, version in self.pinned))
        beside = f" beside {pinned}" if pinned else ""
        return HaversackError(
            "memory-too-small",
            f"{key[0]}@{key[1]} takes about {format_bytes(need)} ({there.source}), and does not fit"
            f"{beside} into the {format_bytes(room)} for packs{on_device(device)}",
            hint=f"Start the server with more {memory_option(device)}, "
            f"{'a smaller --decode-limit ' * (device == CPU)}or fewer packs.",
            kind=Kind.UNAVAILABLE,
        )


def key_of(model: ServedModel) -> Key:
    """A model's name and version."""
    return model.identity.name, model.identity.version
