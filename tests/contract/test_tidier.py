"""What `Tidier` promises, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from haversack.jobs.blobs import FolderBlobs
from haversack.jobs.desk import wish
from haversack.jobs.setting import JobPlaces, JobRoom, open_room
from haversack.jobs.store import Claim, Keep
from haversack.jobs.tidier import Tidier

_NOTHING = Keep(result_seconds=0, input_seconds=0)
_DAY = 86_400.0


class Watched(FolderBlobs):
    """Does something before each deletion."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.deleted: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def delete(self, name: str) -> None:
        self.deleted.append(name)
        self.meanwhile()
        super().delete(name)


@pytest.fixture
def blobs(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "blobs")


@pytest.fixture
def room(url: str, tmp_path: Path, blobs: Watched) -> Iterator[JobRoom]:
    place = str(tmp_path / "blobs")
    opened = open_room(JobPlaces(state=tmp_path, database=url, blobs=place))
    yield replace(opened, blobs=blobs)
    opened.store.close()


def done(room: JobRoom, number: int) -> None:
    for _ in range(number):
        room.desk.submit(wish("herd"), b"photo")
        (claimed,) = room.store.claim(Claim(kinds=["predict"], packs=["herd"], worker="w"))
        room.store.done(claimed.lease, "{}", "1")


def test_more_than_a_portion_goes_in_one_tidying(room: JobRoom, blobs: Watched) -> None:
    done(room, 120)
    Tidier(room, (), _NOTHING).tidy()
    assert len(blobs.deleted) == 120
    assert list(blobs.older_than(-_DAY)) == []


def test_one_tidies_at_a_time(room: JobRoom, blobs: Watched) -> None:
    done(room, 2)
    second = Tidier(room, (), _NOTHING)
    blobs.meanwhile = second.tidy
    Tidier(room, (), _NOTHING).tidy()
    assert len(blobs.deleted) == 2
    done(room, 1)
    blobs.meanwhile = lambda: None
    second.tidy()
    assert len(blobs.deleted) == 3


def test_one_that_is_to_end_deletes_no_more_and_leaves_its_turn(
    room: JobRoom, blobs: Watched
) -> None:
    done(room, 5)
    ending = threading.Event()
    blobs.meanwhile = ending.set
    Tidier(room, (), _NOTHING, ending).tidy()
    assert len(blobs.deleted) == 1
    assert room.store.take_turn("tidying", "another", 1)
