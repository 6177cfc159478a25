"""Mistakes and oddities that a fresh reader tried, each of which once ended in a traceback."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from PIL import Image
from tests.e2e.conftest import Run

import haversack as hs
from haversack.engine.session import SessionOptions
from haversack.engine.verify import read_arrays
from haversack.errors import EngineError, HaversackError, Kind

DOUBLE = """
<ir_version: 8, opset_import: ["" : 13]>
double (float[N,3] file) => (float[N,3] y) { y = Add(file, file) }
"""


@pytest.fixture
def doubling(run: Run, tmp_path: Path) -> Path:
    """A pack of task tensor whose input has a name that numpy.savez cannot take."""
    onnx.save(onnx.parser.parse_model(DOUBLE), tmp_path / "double.onnx")
    done = run("pack", "import", "double.onnx", "--name", "double", "--geometry", "none")
    assert done.status == 0, done.err
    return tmp_path / "packs" / "double"


def test_a_photo_too_large_to_draw_on_does_not_stop_the_rest(
    run: Run, scene_folder: Path, tmp_path: Path
) -> None:
    big = tmp_path / "big.jpg"
    Image.new("RGB", (12000, 9000), (90, 120, 60)).save(big, quality=50)
    done = run("predict", "blobs", big, scene_folder / "a.png", "--json", "--draw", "drawn")
    assert done.status == 3
    assert [json.loads(line)["status"] for line in done.out.splitlines()] == ["done", "done"]
    assert "could not be drawn" in done.err
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["a.png"]


@pytest.mark.parametrize("odd", ["out[/bold]", "demo[x]y", "[red]"])
def test_brackets_in_a_path_are_brackets(run: Run, tmp_path: Path, odd: str) -> None:
    done = run("demo", "--photos", "1", "-o", odd)
    assert done.status == 0, done.err
    assert f"{odd}/found/aerial_000.jpg" in done.out
    assert run("pack", "export", "blobs", f"{odd}.pack").status == 0
    assert run("pack", "add", f"{odd}.pack", "-o", f"{odd}-repository").status == 0
    assert run("pack", "list", f"{odd}-repository").status == 0
    assert run("predict", "blobs", f"{odd}/aerial_000.png").status == 0


@pytest.mark.parametrize("word", ["", "fold*", "pipe", "nowhere"])
def test_a_word_that_leads_to_no_photo_is_never_done_in_silence(
    run: Run, tmp_path: Path, word: str
) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    done = run("predict", "blobs", word)
    assert done.status == 2
    assert "Traceback" not in done.err


def test_a_file_name_that_is_no_utf_8_has_a_record(
    run: Run, scene_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / os.fsdecode(b"bad\xff.png")).write_bytes((scene_folder / "a.png").read_bytes())
    done = run("predict", "blobs", tmp_path, "--json")
    assert done.status == 0, done.err
    assert "bad" in json.loads(done.out)["image"]


@pytest.mark.parametrize(
    "data", [b"", b"junk", b"PK\x03\x04junk", np.lib.format.magic(1, 0) + b"\x00" * 20]
)
def test_a_file_that_is_no_npz_is_one_failure(
    run: Run, doubling: Path, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "bad.npz").write_bytes(data)
    done = run("predict", doubling, "bad.npz", "--json")
    assert done.status == 2
    assert json.loads(done.out)["error"]["code"] == "file-not-npz"
    assert "Traceback" not in done.err


def test_an_npz_that_unpacks_past_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, x=np.zeros(1 << 20, np.uint8))
    with pytest.raises(EngineError) as caught:
        read_arrays(path.read_bytes(), limit_bytes=1 << 19)
    assert caught.value.code == "file-not-npz"
    assert read_arrays(path.read_bytes())["x"].size == 1 << 20


@pytest.mark.parametrize("options", [["--csv"], ["--draw", "d"], ["--threshold", "0.5"]])
def test_an_option_the_pack_cannot_follow_is_refused(
    run: Run, doubling: Path, tmp_path: Path, options: list[str]
) -> None:
    np.savez(tmp_path / "in.npz", x=np.ones((1, 3), np.float32))
    done = run("predict", doubling, "in.npz", *options)
    assert done.status == 2
    assert options[0] in done.err


def test_a_graph_of_maps_is_refused_with_the_way_out(run: Run, tmp_path: Path) -> None:
    text = """
    <ir_version: 8, opset_import: ["" : 13]>
    split (float[N,3] x) => (seq(float[N,3]) y) { y = SequenceConstruct(x) }
    """
    onnx.save(onnx.parser.parse_model(text), tmp_path / "seq.onnx")
    done = run("pack", "import", "seq.onnx", "--name", "s", "--geometry", "none")
    assert done.status == 2
    assert "sequence" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("threads", ["0", "100000", "99999999999999"])
def test_a_number_of_threads_no_machine_has_is_refused(run: Run, threads: str) -> None:
    assert run("predict", "blobs", "a.png", "--threads", threads).status == 2
    with pytest.raises(HaversackError) as caught:
        SessionOptions(threads=int(threads))
    assert caught.value.code == "threads-unfit"


def test_a_threshold_that_is_no_number_is_refused(run: Run) -> None:
    assert run("predict", "blobs", "a.png", "--threshold", "nan").status == 2


def test_a_notebook_shows_its_cell_when_the_photo_has_gone(
    scene_folder: Path, tmp_path: Path
) -> None:
    photo = tmp_path / "gone.png"
    photo.write_bytes((scene_folder / "a.png").read_bytes())
    result = hs.load("blobs").predict(photo)
    photo.unlink()
    assert "no preview" in result._repr_html_()


def test_errors_survive_a_trip_between_processes() -> None:
    error = HaversackError("a", "b", hint="c", kind=Kind.CONFLICT, details=("d",))
    back = pickle.loads(pickle.dumps(error))
    assert vars(back) == vars(error)
    assert str(back) == str(error)


def test_another_users_folder_among_the_places_does_not_stop_the_others(tmp_path: Path) -> None:
    """Needs a user who may be refused something: root may not, and then nothing is refused."""
    closed = tmp_path / "closed"
    (closed / "blobs").mkdir(parents=True)
    closed.chmod(0)
    try:
        os.environ["HAVERSACK_PACKS"] = str(closed)
        assert hs.load("blobs").manifest.name == "blobs"
    finally:
        del os.environ["HAVERSACK_PACKS"]
        closed.chmod(0o700)
