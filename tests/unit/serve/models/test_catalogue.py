"""The index may be read while packs come and go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
from tests.unit.serve.models.test_loaded import FakeSizes, Files, Model, Named

from haversack.packfile.archive import PackFiles
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.loaded import LoadPolicy
from haversack.serve.models.residency import Residency
from haversack.serve.models.sizes import Sizes


@dataclass(frozen=True)
class Place:
    """A path; somebody does something at the moment in which it is looked at."""

    meanwhile: Callable[[], object]

    def exists(self) -> bool:
        self.meanwhile()
        return True


@dataclass(frozen=True)
class Located(Files):
    """A pack that lies somewhere."""

    location: Place = Place(lambda: None)


def located(name: str, meanwhile: Callable[[], object] = lambda: None, **faults: Any) -> PackFiles:
    found = Located(Named(name, "1"), 10, location=Place(meanwhile), **faults)
    return cast("PackFiles", found)


def catalogue() -> Catalogue:
    policy = LoadPolicy(residency=Residency(1000, 1), sizes=cast("Sizes", FakeSizes()))
    return Catalogue(cast("Any", Model), (), policy)


def test_the_index_is_read_while_another_pack_is_loaded() -> None:
    here = catalogue()
    names = iter("cdef")
    for name in "ab":
        here.add(located(name, lambda: here.add(located(next(names)), keep_others=True)))
    assert [row.name for row in here.index()][:2] == ["a", "b"]
    assert {row.name for row in here.index()} >= {"a", "b", "c"}


def test_why_a_pack_was_not_read_is_in_the_index_without_its_place() -> None:
    here = catalogue()
    here.add(located("a"))
    here.loaded_models.remove("a", None)
    here.offers.put(located("a", open_fault=OSError(5, "broken", "/secret/place")))
    with pytest.raises(OSError, match="broken"):
        here.bring("a")
    (row,) = here.index()
    assert (row.state, row.reason) == ("UNAVAILABLE", "it could not be read")
