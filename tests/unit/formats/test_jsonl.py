"""Canonical records, the same as a prediction gives."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tests.unit.formats import survey_runs as made

from haversack.formats import jsonl
from haversack.formats.annotated import result_of


def test_a_record_is_what_predict_gives_for_the_same_objects() -> None:
    photo = made.photo(
        1, "a/\udcff.jpg", made.found((1.234, 2.0, 300.567, 200.0), score=0.8567), made.found()
    )
    run = made.run()
    expected = result_of(run, photo).to_dict() | {
        "timing": {"decode_seconds": 0.01, "model_seconds": 0.25}
    }
    assert json.loads(json.dumps(jsonl.record(run, photo))) == json.loads(json.dumps(expected))


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
    photo = replace(made.photo(1, "a.jpg"), tiles_truncated=1)
    assert jsonl.record(made.run(), photo)["truncated"] is True
