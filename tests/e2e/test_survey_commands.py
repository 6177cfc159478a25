"""The commands of a survey as a person types them, mistakes included."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from tests.e2e.conftest import COMMAND, Run
from tests.integration.survey_material import ask, jpeg, photos, rows, save, scene
from tests.unit.pack.conftest import graph_of

FIXED = ("--threads", "2", "--batch", "1", "--tile", "300")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three good photos, a short one, one that is none, and a text."""
    root = tmp_path_factory.mktemp("photos")
    for number in range(3):
        save(root / "a" / f"{number}.jpg", scene(number))
    (root / "short.jpg").write_bytes(jpeg(scene(5))[:9000])
    (root / "none.jpg").write_text("no photo")
    (root / "notes.txt").write_text("a text")
    return root


def test_a_run_from_the_first_photo_to_the_exports(run: Run, folder: Path, tmp_path: Path) -> None:
    ran = run("survey", "run", folder, "--pack", "blobs", "--out", "out", *FIXED)
    assert ran.status == 3, ran.err
    assert "Photos: 3 done, 1 partial, 1 failed." in ran.out
    assert "1 other files passed over: 1 .txt" in ran.err
    assert "Tiles of 300 px, 60 px overlap" in ran.err
    assert "times its pixels" in ran.err
    assert "failed: none.jpg:" in ran.err
    retry = (tmp_path / "out" / "retry.txt").read_text().splitlines()
    assert [Path(line).name for line in retry] == ["none.jpg", "short.jpg"]
    assert (tmp_path / "out" / "report.html").stat().st_size < 5_000_000

    status = run("survey", "status", "out", "--json")
    told = json.loads(status.out)
    assert told["photos"] == {"done": 3, "partial": 1, "failed": 1}
    assert [one["code"] for one in told["failures"]] == ["image-type-unknown", "image-truncated"]
    assert sum(told["objects"].values()) == len(rows(tmp_path / "out", "found"))
    assert "none.jpg" in run("survey", "status", "out").out

    exported = run("survey", "export", "out", "--format", "counts", "--format", "jsonl")
    assert exported.status == 0, exported.err
    assert all(Path(tmp_path / line).is_file() for line in exported.out.split())
    one = run("survey", "export", "out", "--format", "counts", "-o", "here.csv")
    assert one.status == 0
    assert (tmp_path / "here.csv").is_file()

    merged = run("survey", "merge", "out", "--threshold", "0.9")
    assert merged.status == 0, merged.err
    assert "threshold 0.9" in merged.out
    assert run("survey", "report", "out", "-o", "page.html").status == 0
    # The merge stays when the run goes on.
    again = run("survey", "run", folder, "--pack", "blobs", "--out", "out", *FIXED)
    assert again.status == 3
    assert min(row[3] for row in rows(tmp_path / "out", "found")) >= 0.9
    assert dict(photos(tmp_path / "out", "path, attempts"))["none.jpg"] == 2


def test_a_list_on_standard_input_and_a_retry_list_are_sources(
    folder: Path, tmp_path: Path
) -> None:
    words = [
        str(COMMAND),
        "survey",
        "run",
        "-",
        "--pack",
        "blobs",
        "--out",
        "out",
        *FIXED,
        "--json",
    ]
    listed = f"{folder / 'a' / '0.jpg'}\n{folder / 'none.jpg'}\n"
    done = subprocess.run(
        words, cwd=tmp_path, input=listed, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["photos"] == {"done": 1, "failed": 1}
    words[3:8] = ["out/retry.txt", "--pack", "blobs", "--out", "again"]
    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert json.loads(done.stdout)["photos"] == {"failed": 1}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere", "--pack", "blobs", "--out", "o"), "there is no file or folder nowhere"),
        (("FOLDER", "--pack", "nopack", "--out", "o"), "there is no pack 'nopack'"),
        (("FOLDER", "--pack", "blobs", "--out", "FOLDER"), "is no run, and not empty"),
        (("FOLDER", "--pack", "blobs", "--out", "FOLDER/none.jpg"), "is a file"),
        (("FOLDER", "--pack", "blobs"), "Missing option '--out'"),
        (
            ("FOLDER", "--pack", "blobs", "--out", "o", "--tile", "100", "--overlap", "100"),
            "overlap less than the tile",
        ),
        (("FOLDER", "--pack", "blobs", "--out", "o", "--threshold", "40"), "from 0 to 1"),
        (("FOLDER", "--pack", "blobs", "--out", "o", "--memory", "1K"), "--memory 1 KiB"),
        (("FOLDER/notes.txt", "--pack", "blobs", "--out", "o"), "is there: a text"),
    ],
)
def test_a_hurried_persons_mistake_is_told_and_leaves_nothing(
    run: Run, folder: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    ran = run("survey", "run", *(word.replace("FOLDER", str(folder)) for word in words))
    assert ran.status == 2, ran.err
    assert said in " ".join(ran.err.split())
    assert "Traceback" not in ran.err
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    "command", ["status", "export --format counts", "merge --rule nms", "report"]
)
def test_a_folder_that_is_no_run_is_told(run: Run, tmp_path: Path, command: str) -> None:
    name, *options = command.split()
    ran = run("survey", name, tmp_path, *options)
    assert ran.status == 2
    assert "is no run of a survey" in ran.err


def test_other_tasks_are_refused(run: Run, folder: Path, tmp_path: Path) -> None:
    import_one = tmp_path / "scores.onnx"
    import_one.write_bytes(_classifier())
    options = ("--name", "scores", "--head", "probabilities", "--geometry", "stretch")
    (tmp_path / "names").write_text("a\nb\nc\n")
    made = run("pack", "import", import_one, *options, "--labels", "names")
    assert made.status == 0, made.err
    ran = run("survey", "run", folder, "--pack", "scores", "--out", "o")
    assert ran.status == 2
    assert "the task of scores is classify" in ran.err


def _classifier() -> bytes:
    text = """
    network (float[1,3,32,32] x) => (float[1,3] y)
    {
        mean = ReduceMean <axes = [2, 3], keepdims = 0> (x)
        y = Softmax <axis = 1> (mean)
    }"""
    return bytes(graph_of(text).SerializeToString())


def until_one_is_done(run: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(sqlite3.OperationalError):  # its tables may not be there yet
            if (run / "run.sqlite").exists() and ask(run, "SELECT count(*) FROM photo WHERE tiles")[
                0
            ][0]:
                break
        time.sleep(0.05)


def test_a_closed_terminal_ends_a_run_in_good_order(tmp_path: Path) -> None:
    for number in range(8):
        save(tmp_path / "many" / f"{number:02}.jpg", scene(number, width=700, height=500))
    words = [str(COMMAND), "survey", "run", "many", "--pack", "blobs", "--out", "run", *FIXED]
    master, terminal = os.openpty()
    going = subprocess.Popen(words, cwd=tmp_path, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    until_one_is_done(tmp_path / "run")
    os.close(master)  # whatever is written from now on fails
    going.send_signal(signal.SIGHUP)
    assert going.wait(30) == 130
    assert {row[1] for row in photos(tmp_path / "run")} == {"done", "queued"}


def test_under_nohup_a_run_goes_on(tmp_path: Path) -> None:
    for number in range(8):
        save(tmp_path / "many" / f"{number:02}.jpg", scene(number, width=700, height=500))
    words = f"survey run many --pack blobs --out run {' '.join(FIXED)}"
    going = subprocess.Popen(
        ["bash", "-c", f"trap '' HUP; exec '{COMMAND}' {words}"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until_one_is_done(tmp_path / "run")
    going.send_signal(signal.SIGHUP)
    assert going.wait(60) == 0


def test_ctrl_c_says_how_to_go_on(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "many"
    for number in range(8):
        save(source / f"{number:02}.jpg", scene(number, width=700, height=500))
    words = [str(COMMAND), "survey", "run", "many", "--pack", "blobs", "--out", "my run", *FIXED]
    going = subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until_one_is_done(tmp_path / "my run")
    going.send_signal(signal.SIGINT)
    out, err = going.communicate(timeout=30)
    assert going.returncode == 130, err
    assert "queued" in out
    assert "To go on: haversack survey run many --pack blobs --out 'my run'" in err
    again = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert again.returncode == 0, again.stderr
    assert {row[1] for row in photos(tmp_path / "my run")} == {"done"}


def test_a_full_disk_is_told_and_the_same_command_goes_on(folder: Path, tmp_path: Path) -> None:
    words = f"survey run '{folder}' --pack blobs --out out {' '.join(FIXED)}"
    # A limit on the size of every file: what a full disk is to a program.
    limited = subprocess.run(
        ["bash", "-c", f"ulimit -f 90; exec '{COMMAND}' {words}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert limited.returncode == 1, limited.stderr
    assert "give the same command again" in limited.stderr
    assert "Traceback" not in limited.stderr
    again = subprocess.run(
        [COMMAND, *words.replace("'", "").split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COLUMNS": "100"},
    )
    assert again.returncode == 3, again.stderr
    assert "3 done, 1 partial, 1 failed" in again.stdout
