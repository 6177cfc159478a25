"""The state of a run: whole photos, each once, readable while it is written."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from haversack.engine.merge import TileBoxes
from haversack.engine.results import GeoTag, PackIdentity, PhotoResult, TileCounts
from haversack.engine.tasks.detect import DetectSurvey
from haversack.errors import HaversackError
from haversack.survey.flow.open_photo import OpenPhoto
from haversack.survey.flow.outcome import FinishedPhoto, not_looked_at
from haversack.survey.run.photo_columns import result_of
from haversack.survey.run.sources import SourcePhoto
from haversack.survey.run.store import DATABASE, RunStore

PACK = PackIdentity(name="tiny", version="1", task="detect", labels=("cow",))


def listed(*names: str, size: int = 10) -> list[SourcePhoto]:
    return [SourcePhoto(path=name, size_bytes=size, mtime_ns=1) for name in names]


def there(name: str) -> bool:
    return True


def boxes(count: int) -> TileBoxes:
    return TileBoxes(
        boxes=np.arange(4 * count, dtype=np.float32).reshape(-1, 4) + np.float32(0.1),
        scores=np.linspace(1, 0.1, count, dtype=np.float32),
        class_ids=np.arange(count, dtype=np.int64),
        tiles=np.full(count, 3, np.int64),
        cut=np.arange(count) % 2 == 0,
    )


def done(number: int, count: int = 2) -> FinishedPhoto:
    found = DetectSurvey().merged(boxes(count), candidates=count, truncated=False)
    timing = {"decode_seconds": 0.0, "model_seconds": 0.0}
    result = PhotoResult(
        id=number,
        image="",
        width=9,
        height=8,
        pack=PACK,
        outcome=found,
        timing=timing,
        tiles=TileCounts(candidates=count),
    )
    return FinishedPhoto(result=result, raw=boxes(count))


def nothing(number: int, tiles: TileCounts) -> None:
    """What is found, where a test does not ask."""


def broken(number: int, code: str, message: str) -> FinishedPhoto:
    photo = OpenPhoto(id=number, path="", name="", size_bytes=0, mtime_ns=0)
    return not_looked_at(photo, PACK, HaversackError(code, message))


def test_what_is_written_is_read_back_to_the_bit(tmp_path: Path) -> None:
    with RunStore(tmp_path, write=True) as store:
        store.list_photos(listed("a.jpg"), there)
        store.finish(done(1, 5), seconds_so_far=1.5)
        raw = store.raw(1)
    for name in ("boxes", "scores", "class_ids", "tiles", "cut"):
        assert (getattr(raw, name) == getattr(boxes(5), name)).all()
        assert getattr(raw, name).dtype == getattr(boxes(5), name).dtype


def test_finishing_twice_leaves_one_outcome(tmp_path: Path) -> None:
    with RunStore(tmp_path, write=True) as store:
        store.list_photos(listed("a.jpg"), there)
        store.finish(done(1, 5), seconds_so_far=1)
        store.finish(done(1, 2), seconds_so_far=2)
        assert len(store.raw(1)) == 2
        assert store.found_by_class() == {0: (1, 1), 1: (1, 1)}
        assert store.meta("seconds") == "2.000"


def test_only_what_is_not_done_is_open(tmp_path: Path) -> None:
    failed = broken(2, "a-b", "why")
    with RunStore(tmp_path, write=True) as store:
        store.list_photos(listed("b.jpg", "a.jpg", "c.jpg"), there)
        assert [photo.path for photo in store.open_photos()] == ["a.jpg", "b.jpg", "c.jpg"]
        store.finish(done(1), seconds_so_far=0)
        store.finish(failed, seconds_so_far=0)
        assert [photo.path for photo in store.open_photos()] == ["c.jpg"]
        assert [one.path for one in store.failures()] == ["a.jpg"]
        # The same command tries again what failed.
        store.list_photos(listed("b.jpg", "a.jpg", "c.jpg"), there)
        assert [photo.path for photo in store.open_photos()] == ["a.jpg", "c.jpg"]


def test_a_changed_file_replaces_itself_and_one_that_is_gone_is_told(tmp_path: Path) -> None:
    with RunStore(tmp_path, write=True) as store:
        store.list_photos(listed("a.jpg", "b.jpg", "c.jpg"), there)
        store.finish(done(1), seconds_so_far=0)
        told = store.list_photos(listed("a.jpg", size=11), lambda name: name == "b.jpg")
        assert (told.added, told.changed, told.vanished) == (1, 1, 1)
        assert [photo.path for photo in store.open_photos()] == ["a.jpg", "b.jpg"]
        assert store.found_by_class() == {}
        assert [one.path for one in store.failures()] == ["c.jpg"]
        store.list_photos(listed("c.jpg"), there)
        assert "c.jpg" in [photo.path for photo in store.open_photos()]


def test_a_name_that_is_no_utf8_comes_back_as_it_was(tmp_path: Path) -> None:
    with RunStore(tmp_path, write=True) as store:
        store.list_photos(listed("caf\udce9.jpg"), there)
        photo = store.open_photos()[0]
        assert photo.name == "caf\udce9.jpg"
        assert photo.path == "caf\\udce9.jpg"


def test_another_process_may_read_but_not_write(tmp_path: Path) -> None:
    with RunStore(tmp_path, write=True) as store:
        store.list_photos(listed("a.jpg"), there)
        with RunStore(tmp_path, write=False) as reader:
            assert reader.counts()["queued"].photos == 1
        with pytest.raises(HaversackError) as caught:
            RunStore(tmp_path, write=True)
        assert caught.value.code == "run-busy"
    RunStore(tmp_path, write=True).close()


@pytest.mark.parametrize("content", [b"no database at all, but some text" * 9, None])
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "run.sqlite"
    if content is not None:
        path.write_bytes(content)
    else:
        base = sqlite3.connect(path)
        base.execute("CREATE TABLE meta (key TEXT, value TEXT)")
        base.commit()
        base.close()
    with pytest.raises(HaversackError) as caught:
        RunStore(tmp_path, write=True)
    assert caught.value.code == "run-damaged"


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_photos_half_read_when_the_store_is_closed_raise_nothing(tmp_path: Path) -> None:
    with RunStore(tmp_path, write=True) as store:
        found = [SourcePhoto(path=f"{n}.jpg", size_bytes=1, mtime_ns=1) for n in range(3)]
        store.list_photos(found, lambda name: True)
        rows = store.photo_rows()
        next(rows)
    rows.close()  # type: ignore[attr-defined]


def test_a_run_from_before_a_column_is_read_and_gets_it_when_it_goes_on(tmp_path: Path) -> None:
    with RunStore(tmp_path, write=True) as store:
        store.list_photos(listed("a.jpg", "b.jpg"), there)
        store.finish(done(1), seconds_so_far=0)
    with sqlite3.connect(tmp_path / DATABASE) as old:
        old.execute("ALTER TABLE photo DROP COLUMN candidates")
    with RunStore(tmp_path, write=False) as store:
        first, second = (result_of(row, PACK, nothing) for row in store.photo_rows())
        assert (first.status, first.tiles.candidates) == ("done", None)
        assert second.status == "queued"
    with RunStore(tmp_path, write=True) as store:
        store.finish(done(2, 5), seconds_so_far=0)
        assert [result_of(row, PACK, nothing).tiles.candidates for row in store.photo_rows()] == [
            None,
            5,
        ]


def test_every_column_of_a_photo_comes_back_as_it_went(tmp_path: Path) -> None:
    result = PhotoResult(
        id=1,
        image="a.jpg",
        width=40,
        height=30,
        pack=PACK,
        status="partial",
        error=HaversackError("image-truncated", "it ends early"),
        outcome=done(1).result.outcome,
        valid_rows=20,
        timing={"decode_seconds": 0.25, "model_seconds": 0.5},
        tiles=TileCounts(total=9, skipped=1, missing=2, quartered=3, truncated=4, candidates=700),
        geotag=GeoTag(taken_at="2026-05-01T09:30:00", lon=7.5, lat=46.25, camera="{}"),
    )
    with RunStore(tmp_path, write=True) as store:
        store.list_photos(listed("a.jpg"), there)
        store.finish(FinishedPhoto(result=result), seconds_so_far=0)
        (row,) = store.photo_rows()
    kept = result_of(row, PACK, nothing)
    assert kept.error_code == result.error_code
    for name in ("image", "width", "height", "status", "valid_rows", "timing", "tiles", "geotag"):
        assert getattr(kept, name) == getattr(result, name)
