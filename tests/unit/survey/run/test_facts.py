"""A run as exports see it, read back from its database."""

from __future__ import annotations

import datetime
import sqlite3
from pathlib import Path

import pytest

from haversack.engine.results import PackIdentity, PhotoResult, TileCounts
from haversack.engine.tasks.detect import DetectSurvey
from haversack.engine.tasks.task import FoundRow
from haversack.errors import HaversackError
from haversack.survey.flow.grid import GridTable
from haversack.survey.flow.outcome import FinishedPhoto
from haversack.survey.run.facts import photo_reader
from haversack.survey.run.options import (
    MachineTable,
    MergeTable,
    PackTable,
    RunRecord,
    SpeedTable,
    read_record,
    write_record,
)
from haversack.survey.run.sources import SourcePhoto
from haversack.survey.run.store import DATABASE, RunStore

PACK = PackIdentity(name="tiny", version="1", task="detect", labels=("cow", "sheep"))

ROWS: list[FoundRow] = [
    (0, 0.9, 1.0, 2.0, 3.0, 4.0, None, 0, 1),
    (1, 0.5, 5.0, 6.0, 7.0, 8.0, None, 0, 1),
]


def record_of(task: str) -> RunRecord:
    return RunRecord(
        created=datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC),
        root="/photos",
        photos=("/photos",),
        pack=PackTable(
            name="tiny", version="1", digest="d", location="/p", labels=PACK.labels, task=task
        ),
        grid=GridTable(tile=64, overlap=8, overview=False),
        merge=MergeTable(rule="seam", threshold=0.4),
        speed=SpeedTable(device="cpu", batch=1, threads=1, measured=False),
        machine=MachineTable(system="", cpu="", cpus=1, versions={}),
    )


def a_run(folder: Path, *names: str) -> None:
    with RunStore(folder, write=True) as store:
        listed = [SourcePhoto(path=name, size_bytes=1, mtime_ns=1) for name in names]
        store.list_photos(listed, lambda name: True)
        survey = DetectSurvey()
        for number, _ in enumerate(names, 1):
            rows = [
                (0, 0.9, 1.0, 2.0, 3.0, 4.0, None, 0, 1),
                (1, 0.5, 5.0, 6.0, 7.0, 8.0, None, 0, 1),
            ]
            found = survey.stored(rows, PACK.labels, candidates=9, truncated=True)
            result = PhotoResult(
                id=number,
                image="",
                width=9,
                height=8,
                pack=PACK,
                outcome=found,
                timing={"decode_seconds": 0.1, "model_seconds": 0.2},
                tiles=TileCounts(total=4, truncated=1, candidates=9),
            )
            store.finish(FinishedPhoto(result=result), seconds_so_far=1)


def test_what_others_wrote_into_found_is_read(tmp_path: Path) -> None:
    a_run(tmp_path, "a.jpg")
    with sqlite3.connect(tmp_path / DATABASE) as base:
        base.execute("UPDATE found SET mask = '152', review = 1, counted = 0 WHERE number = 1")
    with RunStore(tmp_path, write=False) as store:
        (photo,) = photo_reader(store, record_of("detect"))()
    told = [(one.label, one.mask, one.review, one.counted) for one in photo.detections]
    assert told == [("cow", None, False, True), ("sheep", "152", True, False)]
    record = photo.to_dict()
    assert record["detections"][1]["area"] == 5
    assert (record["truncated"], record["candidates"]) == (True, 9)


def test_a_status_is_what_the_database_says(tmp_path: Path) -> None:
    a_run(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    with sqlite3.connect(tmp_path / DATABASE) as base:
        base.execute("UPDATE photo SET error_code = 'left-over' WHERE path = 'a.jpg'")
        base.execute(
            "UPDATE photo SET status = 'failed', error = 'only words' WHERE path = 'b.jpg'"
        )
        base.execute("UPDATE photo SET status = 'queued' WHERE path = 'c.jpg'")
    with RunStore(tmp_path, write=False) as store:
        done, failed, queued = photo_reader(store, record_of("detect"))()
    assert (done.status, len(done.detections)) == ("done", 2)
    assert (failed.status, failed.error_message, failed.outcome) == ("failed", "only words", None)
    assert (queued.status, queued.outcome) == ("queued", None)


def test_a_run_that_lost_a_column_is_damaged(tmp_path: Path) -> None:
    a_run(tmp_path, "a.jpg")
    with sqlite3.connect(tmp_path / DATABASE) as base:
        base.execute("ALTER TABLE photo DROP COLUMN camera")
    with RunStore(tmp_path, write=False) as store, pytest.raises(HaversackError) as caught:
        list(photo_reader(store, record_of("detect"))())
    assert caught.value.code == "run-damaged"
    assert "camera" in caught.value.message
    with pytest.raises(HaversackError) as caught:
        RunStore(tmp_path, write=True)
    assert caught.value.code == "run-damaged"


def test_a_run_keeps_its_task_where_it_is_not_the_first_that_surveys_had(tmp_path: Path) -> None:
    write_record(tmp_path, record_of("detect"))
    assert "task" not in (tmp_path / "run.toml").read_text()
    assert read_record(tmp_path).pack.task == "detect"
    write_record(tmp_path, record_of("classify"))
    assert read_record(tmp_path).pack.task == "classify"
    a_run(tmp_path, "a.jpg")
    with RunStore(tmp_path, write=False) as store, pytest.raises(HaversackError) as caught:
        photo_reader(store, read_record(tmp_path))
    assert caught.value.code == "survey-pack-unfit"
