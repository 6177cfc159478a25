"""What a run leaves below the person's home: files of Haversack, and nobody else's.

ONNX Runtime keeps quiet where it finds itself in a CI: these environments have no variable of one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from tests.e2e.conftest import Run
from tests.server.running import BLOBS, PHOTO, serving

from haversack.pack.graph.blobs import LABELS, blobs_network


def foreign(home: Path) -> list[Path]:
    """The files in hidden folders below it that are in no folder `haversack`."""
    hidden = (found for folder in home.glob(".*") for found in folder.rglob("*"))
    return [one for one in hidden if one.is_file() and "haversack" not in one.parts]


def python(home: Path, code: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "HOME": str(home), **more},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "blobs", str(PHOTO)),
        ("pack", "verify", "blobs"),
        (
            "survey",
            "run",
            str(PHOTO),
            "--pack",
            "blobs",
            "--out",
            "s",
            "--threads",
            "1",
            "--batch",
            "1",
        ),
        pytest.param(
            ("pack", "profile", "blobs", "--quick", "--most-seconds", "1"), marks=pytest.mark.slow
        ),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_command_leaves_no_file_of_others(
    words: tuple[str, ...], installed: Run, tmp_path: Path
) -> None:
    done = installed(*words)
    assert done.status == 0, done.err
    assert foreign(tmp_path) == []


def test_an_import_leaves_no_file_of_others(installed: Run, tmp_path: Path) -> None:
    onnx.save(blobs_network(width=160, height=160), tmp_path / "blobs.onnx")
    (tmp_path / "labels.txt").write_text("\n".join(LABELS))
    words = ["pack", "import", "blobs.onnx", "--name", "b", "--head", "boxes", "--antialias"]
    done = installed(*words, "--geometry", "letterbox", "--labels", "labels.txt", "-o", "packs")
    assert done.status == 0, done.err
    assert foreign(tmp_path) == []


def test_a_server_leaves_no_file_of_others(tmp_path: Path) -> None:
    with serving(tmp_path, BLOBS) as server:
        assert server.post("/predict/blobs", content=PHOTO.read_bytes()).status_code == 200
        home = server.stderr.parent
    assert (home / "state").is_dir()
    assert foreign(home) == []


def test_a_program_that_uses_a_pack_leaves_no_file_of_others(tmp_path: Path) -> None:
    code = f"import haversack as hs; print(hs.load('blobs').predict({str(PHOTO)!r}).status)"
    assert python(tmp_path, code).stdout == "done\n"
    assert foreign(tmp_path) == []


def test_whoever_wants_the_runtime_to_tell_keeps_their_word(tmp_path: Path) -> None:
    code = "import haversack.engine.ort, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    assert python(tmp_path, code).stdout == "1\n"
    assert python(tmp_path, code, ORT_DISABLE_TELEMETRY="0").stdout == "0\n"


def test_the_package_alone_changes_no_variable(tmp_path: Path) -> None:
    code = "import os; before = dict(os.environ); import haversack; print(before == os.environ)"
    assert python(tmp_path, code).stdout == "True\n"
