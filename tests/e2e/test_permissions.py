"""What one user makes and another reads: the umask decides, and "may not" is never "not there"."""

from __future__ import annotations

import getpass
import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

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
