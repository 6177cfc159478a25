"""Promises that every export keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.formats import survey_runs as made
from tests.unit.formats.golden import FILES, FOLDER

from haversack.engine.results import PhotoResult
from haversack.errors import HaversackError
from haversack.formats.exports import EXPORTS
from haversack.formats.replace import NOTE_NAME

FOLDERS = ("yolo", "annotated", "crops", "labelstudio", "cvat")
every_export = pytest.mark.parametrize("name", EXPORTS)


@pytest.mark.parametrize("name", [name for names in FILES.values() for name in names])
def test_text_is_what_it_was_to_the_byte(exported: Path, name: str) -> None:
    golden = FOLDER / name.replace("/", "-")
    assert (exported / name).read_text("utf-8") == golden.read_text("utf-8")


def test_every_export_with_text_has_golden_files() -> None:
    assert set(EXPORTS) - set(FILES) == {"annotated"}


def test_the_reference_lists_every_export_with_its_file() -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "export-formats.md"
    told = re.findall(r"^\| `([a-z-]+)` \| `([a-z.-]+)/?` \|", page.read_text("utf-8"), flags=re.M)
    assert told == [(name, export.default_name) for name, export in EXPORTS.items()]


def test_names_of_exports_do_not_collide() -> None:
    assert len({export.default_name for export in EXPORTS.values()}) == len(EXPORTS)
    assert all(export.summary for export in EXPORTS.values())


@every_export
def test_a_run_without_photos_is_exported_too(name: str, tmp_path: Path) -> None:
    path = EXPORTS[name].write(made.run(), made.photos([]), tmp_path / "x")
    assert path == tmp_path / "x"
    if path.suffix == ".json" or name in ("coco", "coco-dataset", "megadetector", "geojson"):
        json.loads(path.read_bytes())


@every_export
def test_a_second_export_takes_the_place_of_the_first(name: str, tmp_path: Path) -> None:
    listed = made.small_run()
    made.draw(tmp_path / "photos", listed)
    run, path = made.run(tmp_path / "photos"), tmp_path / "out" / "x"
    EXPORTS[name].write(run, made.photos([]), path)
    EXPORTS[name].write(run, made.photos(listed), path)
    assert [file.name for file in path.parent.iterdir()] == ["x"]


@every_export
def test_a_fault_on_the_way_leaves_what_was_there(name: str, tmp_path: Path) -> None:
    path = tmp_path / "out" / "x"
    EXPORTS[name].write(made.run(), made.photos([]), path)
    before = sorted((file.name, file.stat().st_mtime_ns) for file in path.parent.rglob("*"))

    def broken() -> Iterator[PhotoResult]:
        yield made.photo(1, "a.jpg")
        raise KeyError("the database is gone")

    with pytest.raises(KeyError):
        EXPORTS[name].write(made.run(), broken, path)
    after = sorted((file.name, file.stat().st_mtime_ns) for file in path.parent.rglob("*"))
    assert after == before


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_no_export_made_is_not_replaced(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(HaversackError) as caught:
        EXPORTS[name].write(made.run(), made.photos([]), tmp_path / "mine")
    assert caught.value.code == "export-over-folder"
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_says_what_it_holds_and_what_it_leaves_out(name: str, exported: Path) -> None:
    note = json.loads((exported / EXPORTS[name].default_name / NOTE_NAME).read_bytes())
    assert note["export"] == name
    counts = {"done": 4, "partial": 1, "failed": 1, "queued": 1, "vanished": 1, "objects": 5}
    assert note | counts == note


@pytest.mark.parametrize("name", ["annotated", "crops", "labelstudio", "cvat"])
def test_photos_gone_or_changed_are_named_and_the_rest_go_on(name: str, tmp_path: Path) -> None:
    listed = [
        made.photo(1, "gone.jpg", made.found()),
        made.photo(2, "text.jpg", made.found()),
        made.photo(3, "other-size.jpg", made.found()),
        made.photo(4, "whole.jpg", made.found()),
    ]
    root = tmp_path / "photos"
    made.draw(root, listed[3:])
    (root / "text.jpg").write_text("no photo")
    made.draw(root, [replace(listed[2], width=80, height=70)])
    path = EXPORTS[name].write(made.run(root), made.photos(listed), tmp_path / "x")
    note = json.loads((path / NOTE_NAME).read_bytes())
    assert note["unreadable"] == 3
    assert [one["photo"] for one in note["unreadable_photos"]] == [p.image for p in listed[:3]]
    assert len(list(path.rglob("whole*.jpg"))) == 1


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HaversackError) as caught:
        EXPORTS["jsonl"].write(made.run(), made.photos([]), tmp_path / "file" / "x.jsonl")
    assert caught.value.code == "export-unwritable"


@pytest.mark.parametrize("name", FOLDERS)
def test_a_path_with_dots_stays_inside_the_folder(name: str, tmp_path: Path) -> None:
    root = tmp_path / "deep" / "photos"
    outside = made.photo(1, "../../other/a.jpg", made.found())
    made.draw(root, [outside])
    before = set((tmp_path / "other").rglob("*"))
    EXPORTS[name].write(made.run(root), made.photos([outside]), tmp_path / "x" / "out")
    assert set((tmp_path / "other").rglob("*")) == before
    assert {file.name for file in (tmp_path / "x").iterdir()} == {"out"}


@pytest.mark.parametrize("name", FOLDERS)
def test_names_that_no_disk_takes_are_shortened(name: str, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    long = made.photo(1, "\u00e4" * 120 + ".jpg", made.found())
    made.draw(root, [long])
    path = EXPORTS[name].write(made.run(root), made.photos([long]), tmp_path / "x")
    assert len(list(path.rglob("\u00e4*"))) == 1
