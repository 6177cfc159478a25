from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tests.e2e.conftest import COMMAND, Run

from haversack import __version__


def test_the_help_lists_every_command_with_its_own_summary(installed: Run) -> None:
    shown = installed("--help").out
    for name in ("demo", "predict", "serve", "survey", "pack"):
        own = installed(name, "--help")
        assert own.status == 0
        assert name in shown
    assert installed("--version").out.strip().endswith(__version__)


@pytest.mark.parametrize(
    "words", [["nonsense"], ["predict"], ["predict", "blobs", "a.png", "--threshold", "2"]]
)
def test_wrong_usage_is_exit_code_2(installed: Run, words: list[str]) -> None:
    done = installed(*words)
    assert done.status == 2
    assert done.out == ""
    assert "Error" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["serve", "blobs", "--device", "gpu"],
            "'gpu' is no device; there are cpu, cuda and cuda:N",
        ),
        (["predict", "blobs", "a.png", "--device", "cuda:x"], "'cuda:x' is no device"),
        (["worker", "blobs", "--device-memory", "1G"], "--device-memory is of a GPU"),
    ],
)
def test_what_is_no_device_is_wrong_usage(installed: Run, words: list[str], said: str) -> None:
    done = installed(*words)
    assert done.status == 2
    assert said in " ".join(done.err.split())


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_device_that_is_not_there_ends_the_start_and_is_not_replaced(
    installed: Run, command: str, tmp_path: Path
) -> None:
    done = installed(command, "blobs", "--device", "cuda:99", "--state", tmp_path / "state")
    assert done.status == 1
    assert done.out == ""
    assert "device 'cuda:99' was asked for" in done.err
    assert "onnxruntime-gpu[cuda,cudnn]" in done.err


def test_json_is_one_record_a_photo_on_standard_output_only(
    installed: Run, scene_folder: Path
) -> None:
    done = installed("predict", "blobs", scene_folder, "--json")
    assert done.status == 0
    records = [json.loads(line) for line in done.out.splitlines()]
    assert [Path(record["image"]).name for record in records] == ["a.png", "b.jpg"]
    for record in records:
        assert record["status"] == "done"
        assert (record["width"], record["height"]) == (600, 400)
        assert record["detections"]
        assert all(one["score"] >= 0.4 for one in record["detections"])
    assert done.err == ""


def test_csv_has_a_row_an_object(run: Run, scene_folder: Path) -> None:
    done = run("predict", "blobs", scene_folder / "a.png", "--csv", "--threshold", "0.5")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert rows
    assert all(float(row["score"]) >= 0.5 for row in rows)


def test_globs_folders_and_names_are_all_inputs(run: Run, scene_folder: Path) -> None:
    def images(*words: str | Path) -> list[str]:
        out = run("predict", "blobs", *words, "--json", cwd=scene_folder).out
        return [json.loads(line)["image"] for line in out.splitlines()]

    assert images("a.png", "below") == ["a.png", "below/b.jpg"]
    assert images("**/*.jpg") == ["below/b.jpg"]


@pytest.mark.parametrize("form", ["", "--json", "--csv"])
def test_results_go_to_the_file_while_the_bar_is_on_the_terminal(
    scene_folder: Path, tmp_path: Path, form: str
) -> None:
    """Standard error is a terminal here, standard output a file: each gets its own."""
    photos = " ".join([str(scene_folder / "a.png")] * 6)
    words = f"{COMMAND} predict blobs {photos} {form} > {tmp_path}/out"
    shown = subprocess.check_output(["script", "-qec", words, "/dev/null"], text=True)
    written = (tmp_path / "out").read_text()
    assert written.count("a.png") >= 6
    assert "Predicting" in shown
    assert "a.png" not in shown


def test_a_bad_photo_is_reported_and_the_rest_go_on_with_exit_code_3(
    run: Run, scene_folder: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes((scene_folder / "below" / "b.jpg").read_bytes()[:3000])
    done = run("predict", "blobs", bad, scene_folder / "a.png", "--json")
    assert done.status == 3
    first, second = (json.loads(line) for line in done.out.splitlines())
    assert first["status"] == "failed"
    assert first["error"]["code"] == "image-truncated"
    assert second["status"] == "done"
    assert "1 of 2" in done.err
    assert run("predict", "blobs", bad).status == 2


def test_drawn_copies_are_annotated_and_never_overwrite_each_other(
    run: Run, scene_folder: Path, tmp_path: Path
) -> None:
    twin = tmp_path / "twin" / "a.png"
    twin.parent.mkdir()
    twin.write_bytes((scene_folder / "a.png").read_bytes())
    drawn = tmp_path / "drawn"
    done = run("predict", "blobs", scene_folder / "a.png", twin, "--draw", drawn)
    assert done.status == 0
    assert len(list(drawn.iterdir())) == 2
    assert all(copy.read_bytes() != twin.read_bytes() for copy in drawn.iterdir())


@pytest.mark.parametrize(
    ("words", "code_words"),
    [
        (["predict", "nothing-here", "a.png"], "nothing-here"),
        (["predict", "blobs", "missing.png"], "missing.png"),
        (["pack", "inspect", "missing.pack"], "missing.pack"),
        (["pack", "import", "missing.onnx", "--name", "x"], "missing.onnx"),
        (["pack", "import", "a.png", "--name", "x"], ".onnx"),
        (["pack", "import", "a.png", "--name", "Not A Name"], "Not A Name"),
        (["predict", "blobs", "a.png", "--decode-limit", "12Q"], "12Q"),
        (["predict", "blobs", "a.png", "--json", "--csv"], "--csv"),
    ],
)
def test_a_mistake_is_named_with_what_was_received_and_no_traceback(
    run: Run, scene_folder: Path, words: list[str], code_words: str
) -> None:
    done = run(*words, cwd=scene_folder)
    assert done.status == 2
    assert code_words in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_a_missing_device_is_refused_and_never_replaced(run: Run, scene_folder: Path) -> None:
    done = run("predict", "blobs", scene_folder / "a.png", "--device", "cuda")
    if done.status == 0:
        pytest.fail("this test is for machines without CUDA")
    assert done.status == 1
    assert "cuda" in done.err


def test_a_photo_over_the_decode_limit_names_estimate_limit_and_option(
    run: Run, scene_folder: Path
) -> None:
    done = run("predict", "blobs", scene_folder / "a.png", "--decode-limit", "1M", "--json")
    error = json.loads(done.out)["error"]
    assert error["code"] == "image-too-large"
    assert "1 MiB" in error["message"]
    assert "--decode-limit" in error["hint"]


def test_a_pack_travels_as_one_file_and_answers_the_same(
    run: Run, scene_folder: Path, tmp_path: Path
) -> None:
    assert run("pack", "export", "blobs", "blobs.pack").status == 0
    assert run("pack", "export", "blobs", "blobs.pack").status == 2, "never overwritten unasked"
    assert run("pack", "add", "blobs.pack", "-o", "mine").status == 0
    assert run("pack", "add", "blobs.pack", "-o", "mine").status == 2, "this version is there"
    listed = [json.loads(line) for line in run("pack", "list", "mine", "--json").out.splitlines()]
    assert [(entry["name"], entry["version"]) for entry in listed] == [("blobs", "1")]
    answers = [
        json.loads(run("predict", pack, scene_folder / "a.png", "--json").out)["detections"]
        for pack in ("blobs", "blobs.pack", "mine/blobs", "mine/blobs/1")
    ]
    assert answers[0]
    assert all(answer == answers[0] for answer in answers)


def test_inspect_and_verify_need_no_framework_and_speak_json(installed: Run) -> None:
    facts = json.loads(installed("pack", "inspect", "blobs", "--json").out)
    assert facts["name"] == "blobs"
    assert len(facts["digest"]) == 64
    assert "bright" in installed("pack", "inspect", "blobs").out
    checks = [
        json.loads(line) for line in installed("pack", "verify", "blobs", "--json").out.splitlines()
    ]
    assert [check["passed"] for check in checks] == [True, True]


def test_a_pack_that_was_changed_is_refused(run: Run, tmp_path: Path) -> None:
    run("pack", "export", "blobs", "blobs.pack")
    run("pack", "add", "blobs.pack", "-o", "mine")
    graph = tmp_path / "mine" / "blobs" / "1" / "fit.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"\0")
    done = run("pack", "verify", "mine/blobs")
    assert done.status == 2
    assert "fit.onnx" in done.err
    assert "fit.onnx" in run("pack", "list", "mine").out, "listed, with its fault"


def test_the_demo_counts_found_against_true_and_says_where(installed: Run, tmp_path: Path) -> None:
    done = installed("demo", "--photos", "2", "--out", "here")
    assert done.status == 0
    assert "animals found" in done.out
    drawn = sorted(path.name for path in (tmp_path / "here").glob("*.png"))
    found = sorted(path.name for path in (tmp_path / "here" / "found").iterdir())
    assert drawn == ["aerial_000.png", "aerial_001.png"]
    assert found == ["aerial_000.jpg", "aerial_001.jpg"]
    assert "here/found/aerial_000.jpg" in done.out
    assert "haversack serve blobs --samples here" in done.out


def test_the_demo_ends_on_the_page_with_its_photos(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    process = subprocess.Popen(
        [COMMAND, "demo", "--photos", "1", "--page"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process:
        address = next(line.split()[-1] for line in process.stdout if "http://" in line)
        samples = json.load(urllib.request.urlopen(f"{address}/samples", timeout=30))
        asked = urllib.request.Request(address, headers={"Accept": "text/html"})
        page = urllib.request.urlopen(asked, timeout=30).read().decode()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert [one["name"] for one in samples["samples"]] == ["aerial 000"]
    assert "<title>" in page


def test_a_reader_that_leaves_early_meets_no_traceback(scene_folder: Path) -> None:
    words = f"{COMMAND} predict blobs {scene_folder} {scene_folder} --json | head -n 1"
    done = subprocess.run(["bash", "-c", words], capture_output=True, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == b""


def test_ctrl_c_ends_with_130_and_what_was_done_is_whole(scene_folder: Path) -> None:
    many = [str(scene_folder / "a.png")] * 200
    process = subprocess.Popen(
        [COMMAND, "predict", "blobs", *many, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert all(json.loads(line) for line in [first, *rest.splitlines()])


def test_the_module_runs_as_the_command_does() -> None:
    words = [sys.executable, "-m", "haversack", "--version"]
    assert subprocess.run(words, capture_output=True, check=True).stdout.startswith(b"haversack")


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import haversack", {"numpy", "onnxruntime", "PIL", "msgspec"}),
        ("import haversack.cli", {"numpy", "onnxruntime", "PIL", "msgspec", "rich"}),
        ("import haversack.api", {"onnx", "rich", "click"}),
        ("import haversack.packfile.archive", {"numpy", "onnxruntime", "PIL", "onnx"}),
        ("import haversack.cli.predict", {"onnx", "torch"}),
        ("import haversack.cli.demo", {"onnx", "torch"}),
        ("import haversack.engine.predictor, haversack.samples.scenes", {"PIL"}),
        ("import haversack.app, haversack.cli.serve", {"PIL", "obstore", "psycopg", "rasterio"}),
    ],
)
def test_what_is_not_needed_is_not_loaded(statement: str, absent: set[str]) -> None:
    probe = f"{statement}; import sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert not absent & set(loaded.stdout.split())


def test_packs_run_without_the_pack_extra(scene_folder: Path, tmp_path: Path) -> None:
    """With onnx made impossible to import, everything but `pack import` works."""
    (tmp_path / "onnx.py").write_text("raise ImportError('not installed')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    words = [sys.executable, "-m", "haversack"]
    for rest in (["demo", "--photos", "1", "-o", str(tmp_path / "d")], ["pack", "verify", "blobs"]):
        subprocess.run([*words, *rest], env=environment, check=True, capture_output=True)
    wanted = [*words, "pack", "import", str(scene_folder / "a.png"), "--name", "x"]
    refused = subprocess.run(wanted, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "haversack[pack]" in refused.stderr
    assert "Traceback" not in refused.stderr
