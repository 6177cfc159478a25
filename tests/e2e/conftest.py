"""The installed command, run as a person runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("haversack")


@dataclass(frozen=True)
class Ran:
    """What one run of the command left."""

    status: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run("pack", "list")` in an empty folder, with no configuration of this machine's."""

    def call(*words: str | Path, cwd: Path = tmp_path) -> Ran:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
        done = subprocess.run(
            [COMMAND, *map(str, words)],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(status=done.returncode, out=done.stdout, err=done.stderr)

    return call


@pytest.fixture(scope="session")
def scene_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drawn photos, one in a folder below, and a file that is none."""
    folder = tmp_path_factory.mktemp("photos")
    script = (
        "from PIL import Image; from haversack.samples.scenes import draw_scene; import sys\n"
        "for i, name in enumerate(sys.argv[1:]): "
        "Image.fromarray(draw_scene(i, width=600, height=400).pixels).save(name)"
    )
    (folder / "below").mkdir()
    names = [str(folder / "a.png"), str(folder / "below" / "b.jpg")]
    subprocess.run([sys.executable, "-c", script, *names], check=True, timeout=120)
    return folder
