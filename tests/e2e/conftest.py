"""The installed command, run as a person runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from tests.shell import Ran, haversack

from haversack.samples.scenes import draw_scene

COMMAND = Path(sys.executable).with_name("haversack")


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run("pack", "list")` in an empty folder, with no configuration of this machine's."""

    def call(*words: str | Path, cwd: Path = tmp_path) -> Ran:
        return haversack(*words, cwd=cwd, variables={"HOME": str(tmp_path)})

    return call


@pytest.fixture
def installed(tmp_path: Path) -> Run:
    """The same with a start of the installed command, which takes half a second more."""

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
    (folder / "below").mkdir()
    for number, name in enumerate(("a.png", "below/b.jpg")):
        Image.fromarray(draw_scene(number, width=600, height=400).pixels).save(folder / name)
    return folder
