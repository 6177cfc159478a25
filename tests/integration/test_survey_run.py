"""A survey accounts for every photo, gives the same for any threads, and goes on where it was."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.integration.survey_material import (
    Recorder,
    jpeg,
    photos,
    rows,
    save,
    scene,
    spots_pack,
    survey,
)

from haversack.engine.tiles import TileGrid
from haversack.errors import HaversackError
from haversack.packfile.archive import PackFiles
from haversack.survey.run.options import MergeTable, read_record
from haversack.survey.run.progress import RunProgress
from haversack.survey.run.remerge import remerge
from haversack.survey.run.store import RunStore


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> PackFiles:
    return spots_pack(tmp_path_factory.mktemp("pack"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six photos in two transects, of two sizes, one of them a PNG."""
    root = tmp_path_factory.mktemp("photos")
    for number in range(4):
        save(root / "east" / f"{number}.jpg", scene(number))
    save(root / "west" / "0.png", scene(7))
    save(root / "west" / "small.jpg", scene(8, width=90, height=70))
    return root


@pytest.fixture(scope="module")
def run(pack: PackFiles, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unbroken run, to compare with."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    summary = survey(out, pack, folder)
    assert summary.photos == {"done": 6}
    assert not summary.has_failures
    return out


def test_each_photo_is_cut_into_its_grid_and_something_is_found(run: Path) -> None:
    grid = TileGrid(width=500, height=330, tile=128, overlap=24)
    counted = dict(photos(run, "path, tiles"))
    assert counted["east/0.jpg"] == grid.count
    assert counted["west/small.jpg"] == 1
    assert len(rows(run, "found")) > 30
    assert len(rows(run, "raw")) > len(rows(run, "found"))


@pytest.mark.parametrize("threads", [2, 4])
def test_rows_are_the_same_for_any_number_of_threads(
    run: Path, pack: PackFiles, folder: Path, tmp_path: Path, threads: int
) -> None:
    survey(tmp_path / "run", pack, folder, threads=threads)
    for what in ("raw", "found"):
        assert rows(tmp_path / "run", what) == rows(run, what)


def test_boxes_lie_where_the_patches_are(pack: PackFiles, tmp_path: Path) -> None:
    pixels = np.full((400, 600, 3), 120, np.uint8)
    pixels[0, 0] = 121  # no tile is of one colour
    pixels[::60, ::60] = 119
    pixels[301:331, 449:479] = 255
    save(tmp_path / "one.png", pixels)
    survey(tmp_path / "run", pack, tmp_path / "one.png", threshold=0.5)
    boxes = np.array([row[4:8] for row in rows(tmp_path / "run", "found")])
    assert len(boxes)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    assert (np.abs(middles - (464, 316)) < 26).all()


class Stopping(Recorder):
    """Presses Ctrl-C once a photo is done."""

    def show(self, standing: RunProgress) -> None:
        if standing.photos_done and not self.standings:
            self.standings.append(standing)
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_finishes_what_is_in_flight_and_the_same_command_goes_on(
    run: Path, pack: PackFiles, folder: Path, tmp_path: Path
) -> None:
    out, screen = tmp_path / "run", Stopping()
    summary = survey(out, pack, folder, screen=screen)
    assert summary.interrupted
    assert summary.photos["done"] < 6
    assert any("in flight" in note for note in screen.notes)
    assert not (out / "report.html").exists()
    again = Recorder()
    assert survey(out, pack, folder, screen=again).photos == {"done": 6}
    assert any("were done before" in note for note in again.notes)
    for what in ("raw", "found"):
        assert rows(out, what) == rows(run, what)
    assert {attempts for (attempts,) in photos(out, "attempts")} == {1}


def test_a_finished_run_does_nothing_again(run: Path, pack: PackFiles, folder: Path) -> None:
    before = photos(run, "path, attempts, seconds_model")
    assert survey(run, pack, folder).photos == {"done": 6}
    assert photos(run, "path, attempts, seconds_model") == before


def test_other_settings_are_refused_with_the_difference(
    run: Path, pack: PackFiles, folder: Path
) -> None:
    with pytest.raises(HaversackError) as caught:
        survey(run, pack, folder, tile=100, batch=4)
    assert caught.value.code == "run-differs"
    assert caught.value.details == (
        "--tile: the run has 128, now 100",
        "--batch: the run has 2, now 4",
    )


def test_a_new_pass_keeps_the_old_results(pack: PackFiles, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    survey(out, pack, folder / "west")
    old = rows(out)
    survey(out, pack, folder / "west", tile=100, new_pass=True)
    assert rows(out / "earlier" / "1") == old
    assert (out / "earlier" / "1" / "report.html").exists()
    assert read_record(out).grid.tile == 100
    assert rows(out) != old


def test_a_run_killed_before_its_first_write_begins_again(
    pack: PackFiles, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    RunStore(out, write=True).close()
    assert survey(out, pack, folder / "west").photos == {"done": 2}
    (out / "run.toml").rename(tmp_path / "kept.toml")
    with pytest.raises(HaversackError) as caught:
        survey(out, pack, folder / "west")
    assert caught.value.code == "run-damaged"
    assert "2 photos, but no run.toml" in caught.value.message


def test_a_new_pass_killed_half_way_is_begun_by_the_same_command(
    pack: PackFiles, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    survey(out, pack, folder / "west")
    (out / "earlier" / "1").mkdir(parents=True)
    (out / "run.sqlite").rename(out / "earlier" / "1" / "run.sqlite")
    assert survey(out, pack, folder / "west", new_pass=True).photos == {"done": 2}


def test_another_threshold_and_back_gives_the_same_objects(
    pack: PackFiles, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    survey(out, pack, folder / "east", threshold=0.3)
    raw, found = rows(out), rows(out, "found")
    higher = remerge(out, MergeTable(rule="seam", threshold=0.9), lambda done: None)
    assert 0 < higher < len(found)
    assert remerge(out, MergeTable(rule="none", threshold=0.3), lambda done: None) == len(
        [row for row in raw if row[4] >= np.float32(0.3)]
    )
    remerge(out, MergeTable(rule="seam", threshold=0.3), lambda done: None)
    assert rows(out, "found") == found
    assert rows(out) == raw


def test_a_short_photo_is_partial_and_its_missing_tiles_are_counted(
    pack: PackFiles, tmp_path: Path
) -> None:
    whole = jpeg(scene(1))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "short.jpg").write_bytes(whole[: len(whole) // 2])
    summary = survey(tmp_path / "run", pack, tmp_path / "in")
    assert summary.photos == {"partial": 1}
    assert summary.has_failures
    code, valid, tiles, missing = photos(
        tmp_path / "run", "error_code, valid_rows, tiles, tiles_missing"
    )[0]
    assert code == "image-truncated"
    assert 100 < valid < 200
    assert 0 < missing < tiles
    assert all((row[6] + row[8]) / 2 <= valid for row in rows(tmp_path / "run"))
    assert str(tmp_path / "in" / "short.jpg") in (tmp_path / "run" / "retry.txt").read_text()


def test_tiles_of_one_colour_are_counted_and_not_looked_at(pack: PackFiles, tmp_path: Path) -> None:
    pixels = np.full((300, 300, 3), 255, np.uint8)
    pixels[:, 200:] = scene(1, width=100, height=300)
    save(tmp_path / "half.png", pixels)
    survey(tmp_path / "run", pack, tmp_path / "half.png", tile=100, overlap=0)
    assert photos(tmp_path / "run", "tiles, tiles_skipped") == [(9, 6)]


@pytest.mark.parametrize(("candidates", "truncated"), [(7, 0), (1, 1)])
def test_a_tile_that_overflows_is_looked_at_again_in_quarters(
    tmp_path: Path, candidates: int, truncated: int
) -> None:
    few = spots_pack(tmp_path, gain=30, candidates=candidates, max_detections=7)
    pixels = np.full((128, 128, 3), 120, np.uint8)
    # One in each cell of a row: eight cells are bright, and the pack keeps seven.
    places = [(16 * i, 48 * (i % 2) + 32) for i in range(8)]
    for x, y in places:
        pixels[y : y + 16, x : x + 16] = 255
    save(tmp_path / "crowd.png", pixels)
    out = tmp_path / "run"
    survey(out, few, tmp_path / "crowd.png", overlap=24)
    assert photos(out, "tiles, tiles_quartered, tiles_truncated") == [(1, 1, truncated)]
    found = np.array([row[4:8] for row in rows(out, "found")])
    middles = (found[:, :2] + found[:, 2:]) / 2
    hit = [(np.abs(middles - (x + 8, y + 8)) < 9).all(axis=1).any() for x, y in places]
    assert all(hit) is not bool(truncated)


class Deleting(Recorder):
    """Takes one file away once all are listed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def note(self, text: str) -> None:
        super().note(text)
        if " photos in " in text:
            self.path.unlink()


def test_a_photo_deleted_meanwhile_is_vanished_and_comes_back(
    pack: PackFiles, tmp_path: Path
) -> None:
    source = tmp_path / "in"
    paths = [save(source / f"{number}.jpg", scene(number)) for number in range(3)]
    data, times = paths[2].read_bytes(), paths[2].stat()
    summary = survey(tmp_path / "run", pack, source, screen=Deleting(paths[2]))
    assert summary.photos == {"done": 2, "vanished": 1}
    assert photos(tmp_path / "run", "error_code")[2] == ("photo-vanished",)
    paths[2].write_bytes(data)
    os.utime(paths[2], ns=(times.st_atime_ns, times.st_mtime_ns))
    assert survey(tmp_path / "run", pack, source).photos == {"done": 3}


def test_a_folder_that_vanishes_stops_the_run_and_loses_nothing(
    pack: PackFiles, tmp_path: Path
) -> None:
    source = tmp_path / "in"
    # Enough of them that some are left when the first are done, also on a busy machine.
    for number in range(90):
        save(source / f"{number:02}.jpg", scene(number % 3))

    class Unplugging(Recorder):
        def show(self, standing: RunProgress) -> None:
            if standing.photos_done and source.exists():
                source.rename(tmp_path / "unplugged")

    with pytest.raises(HaversackError) as caught:
        survey(tmp_path / "run", pack, source, screen=Unplugging())
    assert caught.value.code == "photos-unreachable"
    assert "vanished" not in dict(photos(tmp_path / "run", "status, path"))
    (tmp_path / "unplugged").rename(source)
    assert survey(tmp_path / "run", pack, source).photos == {"done": 90}


def test_a_photo_that_changed_is_looked_at_again_and_counted_once(
    pack: PackFiles, tmp_path: Path
) -> None:
    source = tmp_path / "in"
    save(source / "a.jpg", scene(1))
    save(source / "b.jpg", scene(2))
    survey(tmp_path / "run", pack, source)
    before = {row for row in rows(tmp_path / "run") if row[0] == "b.jpg"}
    save(source / "a.jpg", scene(3))
    screen = Recorder()
    assert survey(tmp_path / "run", pack, source, screen=screen).photos == {"done": 2}
    assert any("1 of them changed since" in note for note in screen.notes)
    assert {row for row in rows(tmp_path / "run") if row[0] == "b.jpg"} == before


def test_the_overview_finds_what_no_tile_holds(pack: PackFiles, tmp_path: Path) -> None:
    pixels = scene(1, width=512, height=512) // 3 + 60
    pixels[256:320, 192:256] = 255  # a cell of the overview, 64 px: more than the overlap
    save(tmp_path / "one.png", pixels)
    options: dict[str, Any] = {"tile": 40, "overlap": 8, "threshold": 0.9}
    survey(tmp_path / "without", pack, tmp_path / "one.png", **options)
    survey(tmp_path / "with", pack, tmp_path / "one.png", overview=True, **options)

    def sizes(run: Path) -> float:
        return max((row[6] - row[4] for row in rows(run, "found")), default=0.0)

    assert sizes(tmp_path / "with") >= 60
    tiles = dict(photos(tmp_path / "with", "path, tiles"))
    assert tiles["one.png"] == dict(photos(tmp_path / "without", "path, tiles"))["one.png"] + 1


def test_a_run_in_use_is_refused(pack: PackFiles, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"

    class Twice(Recorder):
        fault: HaversackError | None = None

        def show(self, standing: RunProgress) -> None:
            if self.fault is None:
                with pytest.raises(HaversackError) as caught:
                    survey(out, pack, folder)
                self.fault = caught.value

    screen = Twice()
    survey(out, pack, folder, screen=screen)
    assert screen.fault is not None
    assert screen.fault.code == "run-busy"


def test_a_folder_with_other_things_is_refused(
    pack: PackFiles, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis.doc").write_text("precious")
    with pytest.raises(HaversackError, match=r"holds thesis\.doc") as caught:
        survey(tmp_path, pack, folder)
    assert caught.value.code == "run-folder-taken"


def test_the_batch_is_measured_once_and_kept(pack: PackFiles, folder: Path, tmp_path: Path) -> None:
    screen, out = Recorder(), tmp_path / "run"
    survey(out, pack, folder / "west", screen=screen, batch=None)
    speed = read_record(out).speed
    assert speed.measured
    assert speed.tiles_per_second > 0
    assert any(note.startswith("Chosen: batch") for note in screen.notes)
    again = Recorder()
    survey(out, pack, folder / "west", screen=again, batch=None)
    assert not any("Measuring" in note for note in again.notes)
