"""A pack that cannot be placed leaves loaded what was, pinned and used as before."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

import pytest

from haversack.engine.results import PackIdentity
from haversack.errors import EngineError, HaversackError, RetryLaterError
from haversack.packfile.archive import PackFiles
from haversack.serve.models.loaded import Key, LoadedModels, LoadPolicy
from haversack.serve.models.residency import Residency
from haversack.serve.models.sizes import PackBytes, Sizes
from haversack.serve.models.statistics import Statistics


@dataclass(frozen=True)
class Named:
    """What placing reads of a manifest."""

    name: str
    version: str


@dataclass(frozen=True)
class Files:
    """A pack of a size, that fails to open or to warm where it is told to."""

    manifest: Named
    session_bytes: int
    open_fault: BaseException | None = None
    warm_fault: BaseException | None = None


class FakeSizes:
    """What a pack takes is what it says."""

    def of(self, files: Files) -> PackBytes:
        return PackBytes(session_bytes=files.session_bytes, call_bytes=10)


@dataclass(eq=False)
class Model:
    """What placing reads and writes of a model."""

    files: Files
    users: int = 0
    used_at: float = 0.0
    measured: None = None
    size: PackBytes = field(default_factory=lambda: PackBytes(session_bytes=0, call_bytes=0))
    statistics: Statistics = field(default_factory=Statistics)

    def __post_init__(self) -> None:
        if self.files.open_fault is not None:
            raise self.files.open_fault

    @property
    def identity(self) -> PackIdentity:
        told = self.files.manifest
        return PackIdentity(name=told.name, version=told.version, task="detect", labels=())

    def warm(self) -> None:
        if self.files.warm_fault is not None:
            raise self.files.warm_fault


def pack(name: str, session_bytes: int, version: str = "1", **faults: Any) -> PackFiles:
    return cast("PackFiles", Files(Named(name, version), session_bytes, **faults))


def loaded_models(whole_bytes: int, drain_seconds: float = 0.0) -> LoadedModels:
    ticks = count()
    policy = LoadPolicy(
        residency=Residency(whole_bytes, 1),
        sizes=cast("Sizes", FakeSizes()),
        drain_seconds=drain_seconds,
        clock=lambda: float(next(ticks)),
    )
    return LoadedModels(cast("Any", Model), policy)


def state(here: LoadedModels) -> dict[str, object]:
    """All that a failure must leave as it was."""
    models = [here.model(key) for key in here.loaded()]
    by_use = sorted((m for m in models if m is not None), key=lambda m: m.used_at)
    return {
        "loaded": here.loaded(),
        "current": {name: current(here, name) for name, _ in here.loaded()},
        "pinned": set(here.pinned),
        "used": [(m.identity.name, m.identity.version, m.used_at) for m in by_use],
        "sessions": here.policy.residency.sessions_bytes,
        "counts": (here.counts.loads, here.counts.evictions, here.counts.swaps),
        "statistics": [m.statistics for m in by_use],
    }


@pytest.fixture
def full() -> LoadedModels:
    """a (pinned), b in two versions, c: 100 bytes with the largest call, and c used before b."""
    here = loaded_models(100)
    here.load(pack("a", 30), keep_others=True)
    here.pinned.add(("a", "1"))
    for version in ("2", "1"):
        here.load(pack("b", 20, version), keep_others=True)
    here.load(pack("c", 20), keep_others=True)
    for name, version in (("c", "1"), ("b", "1"), ("b", "2"), ("a", "1")):
        model = here.lease(name, version)
        assert model is not None
        here.release(model)
    return here


def current(here: LoadedModels, name: str) -> str:
    with here.use(name, None) as model:
        return model.identity.version


FAULTS: list[dict[str, Any]] = [
    {"open_fault": EngineError("model-refused", "no such operator")},
    {"open_fault": OSError(5, "the disk is broken")},
    {"open_fault": MemoryError()},
    {"warm_fault": EngineError("model-failed", "bad_alloc")},
    {"warm_fault": RuntimeError("our own mistake")},
]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("session_bytes", [5, 25, 45, 60])
def test_a_pack_that_does_not_open_leaves_every_other_loaded(
    full: LoadedModels, fault: dict[str, Any], session_bytes: int
) -> None:
    before = state(full)
    with pytest.raises(type(next(iter(fault.values())))):
        full.load(pack("new", session_bytes, **fault), keep_others=True)
    assert state(full) == before


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("name", "version"), [("a", "2"), ("a", "1"), ("b", "3"), ("c", "1")])
def test_a_pack_that_does_not_open_leaves_what_it_should_replace(
    full: LoadedModels, fault: dict[str, Any], name: str, version: str
) -> None:
    before = state(full)
    with pytest.raises(type(next(iter(fault.values())))):
        full.load(pack(name, 58, version, **fault), keep_others=False)
    assert state(full) == before


@pytest.mark.parametrize(("name", "session_bytes"), [("new", 25), ("new", 60), ("c", 60)])
def test_where_requests_do_not_end_nothing_is_unloaded(
    full: LoadedModels, name: str, session_bytes: int
) -> None:
    before = state(full)
    with full.use("b", "2"), full.use("b", "1"), full.use("c", "1"):
        with pytest.raises(RetryLaterError):
            full.load(pack(name, session_bytes, "2"), keep_others=False)
        assert state(full) == before
        # They answer again, too.
        model = full.lease("c", "1")
        assert model is not None
        full.release(model)


def test_one_that_could_never_fit_moves_nobody(full: LoadedModels) -> None:
    before = state(full)
    with pytest.raises(HaversackError) as caught:
        full.load(pack("new", 70), keep_others=True)
    assert caught.value.code == "memory-too-small"
    assert state(full) == before


def test_a_pack_that_opens_takes_the_place_of_the_least_lately_used(full: LoadedModels) -> None:
    full.load(pack("new", 25), keep_others=True)
    assert full.loaded() == [("a", "1"), ("b", "2"), ("new", "1")]
    assert (full.counts.evictions, full.counts.swaps) == (2, 0)


def test_requests_of_what_was_unloaded_are_waited_for() -> None:
    here = loaded_models(50, drain_seconds=10.0)
    here.load(pack("old", 30), keep_others=True)
    model = here.lease("old", "1")
    assert model is not None
    here.remove("old", "1")
    placing = threading.Thread(target=here.load, args=[pack("new", 30)], kwargs={"keep_others": 1})
    placing.start()
    try:
        placing.join(0.05)
        assert here.loaded() == []
    finally:
        here.release(model)
        placing.join()
    assert here.loaded() == [("new", "1")]


def keys(here: LoadedModels) -> set[Key]:
    return set(here.loaded())


def test_what_cannot_be_opened_again_does_not_hide_why() -> None:
    here = loaded_models(50)
    once = pack("old", 30)
    here.load(once, keep_others=True)
    object.__setattr__(once, "open_fault", OSError(2, "it is gone"))
    with pytest.raises(EngineError):
        here.load(pack("new", 30, open_fault=EngineError("x", "y")), keep_others=True)
    assert keys(here) == set()
    assert here.policy.residency.sessions_bytes == 0
    here.load(pack("other", 40), keep_others=True)
    assert keys(here) == {("other", "1")}
