"""Canonical records, the same as a prediction gives."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tests.unit.formats import survey_runs as made

from haversack.formats import jsonl


def test_a_record_is_what_predict_gives_for_the_same_objects(tmp_path: Path) -> None:
    photo = made.photo(
        1, "a/\udcff.jpg", made.found((1.234, 2.0, 300.567, 200.0), score=0.8567), made.found()
    )
    path = jsonl.write(made.run(), made.photos([photo]), tmp_path / "a.jsonl")
    assert json.loads(path.read_bytes()) == json.loads(json.dumps(photo.to_dict()))


def test_each_line_is_a_photo_and_waiting_ones_have_none(exported: Path) -> None:
    lines = (exported / "results.jsonl").read_bytes().splitlines()
    records = {record["image"]: record for record in map(json.loads, lines)}
    assert len(records) == len(lines) == 6
    assert records["b/gone bad.jpg"]["status"] == "failed"
    assert "detections" not in records["b/gone bad.jpg"]
    assert records["b/half.jpg"]["status"] == "partial"
    assert records["b/half.jpg"]["valid_rows"] == 150
    assert records["b/half.jpg"]["error"]["code"] == "image-truncated"


def test_tiles_that_overflowed_mark_the_list_as_cut_short() -> None:
    found = replace(made.objects(), truncated=True, candidates=700)
    record = replace(made.photo(1, "a.jpg"), outcome=found).to_dict()
    assert record["truncated"] is True
    assert record["candidates"] == 700
