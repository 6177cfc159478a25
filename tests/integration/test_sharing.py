"""Packs go to workers elsewhere, also where the store was away or full at first."""

from __future__ import annotations

import errno
import logging
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from haversack.database.opening import open_database
from haversack.errors import HaversackError
from haversack.jobs.blobs import Buffer, away
from haversack.jobs.folder_blobs import FolderBlobs
from haversack.jobs.pack_store import PackStore
from haversack.jobs.sql_store import SqlJobStore
from haversack.packfile.archive import open_pack
from haversack.samples.bundle import BUNDLED_PACKS
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.model import ServedModel
from haversack.serve.models.retries import Retries
from haversack.serve.models.sharing import Collector, Publisher
from haversack.serve.options import ServeOptions

BLOBS = BUNDLED_PACKS / "blobs" / "1"


@dataclass
class Clock:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


class Weak(FolderBlobs):
    """Fails as often as it is told to."""

    fault: Exception | None = None
    tries = 0
    before_delete: Callable[[], object] | None = None

    def delete(self, name: str) -> None:
        if self.before_delete is not None:
            self.before_delete()
        super().delete(name)

    def put(self, name: str, data: Buffer) -> None:
        self.tries += 1
        if self.fault is not None:
            raise self.fault
        super().put(name, data)

    def fetch(self, name: str, target: Path) -> None:
        self.tries += 1
        if self.fault is not None:
            raise self.fault
        super().fetch(name, target)


@dataclass
class Bench:
    folder: Path
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.blobs = Weak(self.folder / "blobs")
        self.database = open_database(str(self.folder / "jobs.sqlite"))
        SqlJobStore(self.database)
        self.store = PackStore(self.database, self.blobs, self.folder / "waiting")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.database.close()


def catalogue(*packs: Path) -> Catalogue:
    made = Catalogue(partial(ServedModel, options=ServeOptions()), ())
    for pack in packs:
        made.offer(pack)
    return made


AWAY = away("s3://bucket", OSError("no route"))
FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("fault", [AWAY, FULL])
def test_a_pack_that_could_not_be_shared_is_tried_again(
    bench: Bench, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    publisher = Publisher(catalogue(BLOBS), bench.store, bench.clock)
    bench.blobs.fault = fault
    for _ in range(100):
        publisher.update()
        bench.clock.seconds += 2
    assert bench.store.copies() == []
    assert 2 < bench.blobs.tries < 8
    assert caplog.text.count("is not shared") == 1
    bench.blobs.fault = None
    bench.clock.seconds += 600
    publisher.update()
    assert [copy.name for copy in bench.store.copies()] == ["blobs"]
    tries = bench.blobs.tries
    publisher.update()
    assert bench.blobs.tries == tries


@pytest.mark.parametrize("fault", [AWAY, FULL])
def test_a_pack_that_could_not_be_brought_is_tried_again(
    bench: Bench, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    bench.store.publish(open_pack(BLOBS))
    here = catalogue()
    collector = Collector(here, bench.store, bench.folder / "copies", bench.clock)
    bench.blobs.fault = fault
    for _ in range(50):
        collector.update()
        bench.clock.seconds += 2
    assert caplog.text.count("is not done here") == 1
    bench.blobs.fault = None
    bench.clock.seconds += 600
    collector.update()
    assert here.offers.find("blobs", "1") is not None


def test_a_pack_becomes_one_file_in_the_state_folder(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    bench.store.publish(open_pack(BLOBS))
    assert len(bench.store.copies()) == 1
    assert list((tmp_path / "waiting").iterdir()) == []


def test_what_fails_in_another_way_is_said_again_and_tries_come_later_and_later() -> None:
    clock = Clock()
    retries: Retries[str] = Retries(clock)
    gaps = []
    for _ in range(9):
        assert retries.is_due("a")
        retries.failed("a", FULL)
        began = clock.seconds
        while not retries.is_due("a"):
            clock.seconds += 1
        gaps.append(clock.seconds - began)
    assert gaps == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    assert not retries.failed("a", FULL)
    assert retries.failed("a", HaversackError("pack-damaged", "x"))
    assert not retries.failed("a", HaversackError("pack-damaged", "y"))
    assert retries.is_due("b")
    retries.keep({"b"})
    assert retries.is_due("a")
    assert retries.failed("a", FULL)


def test_what_one_server_withdraws_is_not_what_another_has_just_published(bench: Bench) -> None:
    files = open_pack(BLOBS)
    bench.store.publish(files)
    other = PackStore(bench.database, bench.blobs, bench.folder / "elsewhere")
    # Between the row's end and the blob's, which are two steps of one `withdraw`.
    bench.blobs.before_delete = lambda: other.publish(files)
    bench.store.withdraw(files.manifest.name, files.manifest.version, files.digest)
    (copy,) = bench.store.copies()
    assert other.fetch(copy, bench.folder / "fetched").exists()
