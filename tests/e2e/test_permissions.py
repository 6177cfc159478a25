"""What one user makes and another reads: the umask decides, and "may not" is never "not there"."""

from __future__ import annotations

import getpass
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from tests.e2e.conftest import COMMAND, Run
from tests.e2e.other_user import IS_ROOT, MODE, NUMBER, close, run_as_other

from haversack.pack.graph.blobs import LABELS, blobs_network
from haversack.samples.bundle import BUNDLED_PACKS

OWNER = f"user {NUMBER}" if IS_ROOT else getpass.getuser()
BLOBS = BUNDLED_PACKS / "blobs" / "1"


@pytest.fixture
def packs(tmp_path: Path, run: Run) -> Path:
    """A repository with the pack `blobs`."""
    assert run("pack", "add", BLOBS, "-o", tmp_path / "packs").status == 0
    return tmp_path / "packs"


@pytest.fixture(autouse=True)
def _opened_afterwards(tmp_path: Path) -> Iterator[None]:
    """pytest removes old folders, and could not look into closed ones."""
    yield
    for folder, _, _ in os.walk(tmp_path, onerror=lambda fault: os.chmod(fault.filename, 0o700)):
        os.chmod(folder, 0o700)


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_the_umask_decides_who_reads_what_is_imported(tmp_path: Path, umask: int) -> None:
    source, labels = tmp_path / "blobs.onnx", tmp_path / "labels.txt"
    onnx.save(blobs_network(width=64, height=64), source)
    labels.write_text("\n".join(LABELS))
    words = ["pack", "import", source, "--name", "b", "--head", "boxes", "--labels", labels]
    words += ["--geometry", "letterbox", "--antialias", "-o", tmp_path / "packs"]
    done = subprocess.run(
        [COMMAND, *map(str, words)], umask=umask, cwd=tmp_path, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    for path in (tmp_path / "packs", *(tmp_path / "packs").rglob("*")):
        whole = 0o777 if path.is_dir() else 0o666
        assert stat.S_IMODE(path.stat().st_mode) == whole & ~umask, path


def test_a_pack_that_may_not_be_read_is_named_with_owner_and_mode(
    packs: Path, tmp_path: Path, scene_folder: Path
) -> None:
    close(packs / "blobs" / "1")
    for pack in (packs / "blobs", packs / "blobs" / "1"):
        ran = run_as_other("predict", pack, scene_folder / "a.png", cwd=tmp_path)
        assert ran.status == 2, ran
        assert f"belongs to {OWNER}, mode {MODE}" in ran.err
        assert "chmod -R a+rX" in ran.err
        assert "pack.toml" not in ran.err
    # By its name the one that comes along is found: another's folder stops nobody.
    assert run_as_other("predict", "blobs", scene_folder / "a.png", cwd=tmp_path).status == 0


@pytest.mark.parametrize("closed", ["blobs/1", "blobs", "."])
def test_a_list_of_packs_shows_what_may_not_be_read(
    packs: Path, tmp_path: Path, closed: str
) -> None:
    close(packs / closed)
    ran = run_as_other("pack", "list", packs, "--json", cwd=tmp_path)
    assert ran.status == 0, ran
    (record,) = map(json.loads, ran.out.splitlines())
    assert f"mode {MODE}" in record["error"]
    ran = run_as_other("pack", "list", packs, cwd=tmp_path)
    assert "No packs" not in ran.err


@pytest.mark.parametrize("closed", ["blobs/1", "blobs", "."])
def test_a_repository_of_closed_packs_is_refused_as_such_by_serve(
    packs: Path, tmp_path: Path, closed: str
) -> None:
    close(packs / closed)
    ran = run_as_other("serve", packs, "--port", "0", "--state", "/proc/none", cwd=tmp_path)
    assert ran.status == 2, ran
    assert f"mode {MODE}" in ran.err


def test_photos_that_may_not_be_read_are_not_called_missing(
    tmp_path: Path, scene_folder: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "a.png").write_bytes((scene_folder / "a.png").read_bytes())
    close(closed)
    for word in (closed, closed / "a.png", f"{closed}/*.png"):
        ran = run_as_other("predict", "blobs", word, cwd=tmp_path)
        assert ran.status == 2, ran
        assert (
            f"{closed} belongs to {OWNER}, mode {MODE}" in ran.err
            or f"it belongs to {OWNER}" in ran.err
        )


def test_a_closed_folder_below_is_passed_over_aloud(tmp_path: Path, scene_folder: Path) -> None:
    photos = tmp_path / "photos"
    (photos / "lost+found").mkdir(parents=True)
    close(photos / "lost+found")
    (photos / "a.png").write_bytes((scene_folder / "a.png").read_bytes())
    ran = run_as_other("predict", "blobs", photos, cwd=tmp_path)
    assert ran.status == 0, ran
    assert "Passed over" in ran.err
    assert "lost+found" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("serve", "--keys", "closed/keys"),
        ("serve", "--samples", "closed/photos"),
        ("pack", "add", "closed/b.pack"),
        ("pack", "import", "closed/b.onnx", "--name", "b"),
        ("pack", "import", "b.onnx", "--name", "b", "--labels", "closed/l"),
        ("pack", "import", "b.onnx", "--name", "b", "--preset", "closed/p.toml"),
        ("pack", "list", "closed"),
        ("survey", "run", "closed/photos", "--pack", "blobs", "--out", "run"),
    ],
)
def test_a_path_in_a_closed_folder_is_not_called_missing(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "b.onnx").touch()
    (tmp_path / "closed").mkdir()
    close(tmp_path / "closed")
    ran = run_as_other(*words, cwd=tmp_path)
    assert f"closed belongs to {OWNER}, mode {MODE}" in ran.err or f"mode {MODE}" in ran.out, ran


def test_a_closed_folder_above_the_working_folder_hinders_nobody(
    tmp_path: Path, scene_folder: Path
) -> None:
    here = tmp_path / "closed" / "shared"
    here.mkdir(parents=True)
    (here / "a.png").write_bytes((scene_folder / "a.png").read_bytes())
    (here / "keys").write_text("")
    (tmp_path / "closed").chmod(0o755)
    places: dict[str, Any] = {"cwd": here, "closed": tmp_path / "closed", "HOME": str(tmp_path)}
    words = ("predict", "blobs", "a.png", "./a.png", "*.png", "**/*.png", ".")
    ran = run_as_other(*words, **places)
    assert ran.status == 0, ran
    # Read, and found to hold no key: a refusal of another kind.
    ran = run_as_other("serve", BLOBS, "--port", "0", "--keys", "keys", **places)
    assert ran.status != 0
    assert "may not be read" not in ran.err, ran
    missing = run_as_other("predict", "blobs", "b*.png", **places)
    assert "there is no file b*.png" in missing.err, missing


@pytest.mark.parametrize("word", ["link/a.png", "link/*.png"])
def test_a_link_into_a_closed_folder_is_refused_in_a_sentence(tmp_path: Path, word: str) -> None:
    (tmp_path / "closed" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "closed" / "below")
    close(tmp_path / "closed")
    ran = run_as_other("predict", "blobs", word, cwd=tmp_path)
    assert ran.status == 2, ran
    assert f"{tmp_path / 'link'} may not even be looked at" in ran.err or "it may not" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("word", ["closed/below/*.png", "*/below/a.png", "entered/*.png"])
@pytest.mark.parametrize("command", ["predict", "survey"])
def test_a_glob_behind_a_closed_folder_is_not_called_no_file(
    tmp_path: Path, command: str, word: str
) -> None:
    (tmp_path / "closed" / "below").mkdir(parents=True)
    (tmp_path / "closed" / "below" / "a.png").touch()
    close(tmp_path / "closed")
    (tmp_path / "entered").mkdir()
    close(tmp_path / "entered")
    (tmp_path / "entered").chmod(0o711 if IS_ROOT else 0o111)
    words: tuple[str, ...] = ("predict", "blobs", word)
    if command == "survey":
        words = ("survey", "run", word, "--pack", "blobs", "--out", "run")
    ran = run_as_other(*words, cwd=tmp_path)
    assert ran.status in (1, 2), ran
    assert f"it belongs to {OWNER}" in ran.err or f"closed belongs to {OWNER}" in ran.err
    assert "no file" not in ran.err


def test_a_pack_is_found_in_a_folder_that_may_be_entered_and_not_listed(
    packs: Path, tmp_path: Path
) -> None:
    packs.chmod(0o311)
    ran = run_as_other("pack", "inspect", "blobs", "--json", cwd=tmp_path)  # in ./packs
    assert ran.status == 0, ran
    assert json.loads(ran.out)["location"].startswith(str(packs))


@pytest.mark.parametrize("closed", ["blobs/private", "blobs/1", "blobs"])
def test_a_closed_folder_of_that_name_leaves_the_repositories_to_be_looked_in(
    packs: Path, tmp_path: Path, scene_folder: Path, closed: str
) -> None:
    here = tmp_path / "here"
    (here / closed).mkdir(parents=True)
    close(here / closed)
    words = ("predict", "blobs", scene_folder / "a.png")
    ran = run_as_other(*words, "--packs", packs, cwd=here)
    assert ran.status == 0, ran
    # Where no repository has it, it is said what was in the way.
    (here / "blobs").rename(here / "mine")
    ran = run_as_other("predict", "mine", scene_folder / "a.png", cwd=here)
    assert ran.status == 2, ran
    assert f"belongs to {OWNER}, mode {MODE}" in ran.err


@pytest.mark.skipif(not IS_ROOT, reason="only root can act as another than who started it")
def test_the_explanation_is_for_whom_the_process_acts_as(tmp_path: Path) -> None:
    (tmp_path / "closed" / "below").mkdir(parents=True)
    close(tmp_path / "closed")
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    script = (
        "import os, sys; from pathlib import Path; from haversack.permissions import sentence\n"
        f"os.seteuid({NUMBER + 1})\nprint(sentence(Path(sys.argv[1])))"
    )
    path = tmp_path / "closed" / "below" / "a.png"
    done = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, timeout=60
    )
    assert f"{tmp_path / 'closed'} belongs to {OWNER}, mode {MODE}" in done.stdout, done
