"""A repository shows whole packs only, whoever publishes at the time."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from tests.unit.packfile.conftest import make_manifest, snapshot, tiny_files, write_pack, write_tiny

from haversack.errors import Kind, PackError
from haversack.packfile.archive import open_pack, write_archive
from haversack.packfile.repository import Repository, resolve
from haversack.packfile.staging import STAGING_PREFIX, STALE_SECONDS


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "packs")


def test_versions_begin_at_one_and_sort_as_numbers(repository: Repository) -> None:
    for expected in range(1, 12):
        path = repository.publish("tiny", None, write_tiny)
        assert path == repository.root / "tiny" / str(expected)
    assert [entry.version for entry in repository.entries()] == [str(n) for n in range(1, 12)]
    assert repository.find("tiny").name == "11"
    assert open_pack(repository.find("tiny", "2")).manifest.version == "2"


def test_stated_version_is_kept_and_the_next_goes_on_from_it(repository: Repository) -> None:
    assert repository.publish("tiny", "7", write_tiny).name == "7"
    assert repository.publish("tiny", None, write_tiny).name == "8"


def test_version_that_exists_is_a_conflict(repository: Repository) -> None:
    repository.publish("tiny", "3", write_tiny)
    before = snapshot(repository.root)
    with pytest.raises(PackError, match=r"tiny 3 is already .* next free version is 4") as caught:
        repository.publish("tiny", "3", write_tiny)
    assert (caught.value.code, caught.value.kind) == ("pack-version-exists", Kind.CONFLICT)
    assert snapshot(repository.root) == before


def test_version_taken_meanwhile_is_written_again_as_the_next(repository: Repository) -> None:
    written: list[str] = []

    def write(folder: Path, version: str) -> None:
        if not written:
            write_tiny(repository.root / "tiny" / version, version)
        written.append(version)
        write_tiny(folder, version)

    assert repository.publish("tiny", None, write).name == "2"
    assert written == ["1", "2"]
    assert open_pack(repository.find("tiny")).manifest.version == "2"


def test_failed_publish_leaves_nothing(repository: Repository) -> None:
    def write(folder: Path, version: str) -> None:
        write_tiny(folder, version)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repository.publish("tiny", None, write)
    assert snapshot(repository.root) == {}


def test_half_a_pack_is_not_published(repository: Repository) -> None:
    def write(folder: Path, version: str) -> None:
        write_tiny(folder, version)
        (folder / "fit.onnx").unlink()

    with pytest.raises(PackError) as caught:
        repository.publish("tiny", None, write)
    assert caught.value.code == "pack-file-missing"
    assert snapshot(repository.root) == {}


def test_pack_of_another_name_is_not_published(repository: Repository) -> None:
    with pytest.raises(PackError) as caught:
        repository.publish("other", None, write_tiny)
    assert caught.value.code == "pack-name-differs"
    assert snapshot(repository.root) == {}


@pytest.mark.parametrize(("name", "version"), [("../x", None), ("Tiny", None), ("tiny", "01")])
def test_unsafe_names_are_refused(
    repository: Repository, tmp_path: Path, name: str, version: str | None
) -> None:
    with pytest.raises(PackError) as caught:
        repository.publish(name, version, write_tiny)
    assert caught.value.code == "pack-name-invalid"
    assert snapshot(tmp_path) == {}


def test_staging_folders_of_killed_processes_are_swept_after_a_day(tmp_path: Path) -> None:
    old, young = tmp_path / f"{STAGING_PREFIX}old", tmp_path / f"{STAGING_PREFIX}young"
    (old / "pack").mkdir(parents=True)
    young.mkdir()
    now = young.stat().st_mtime
    for path in (old / "pack", old):
        os.utime(path, (now - STALE_SECONDS - 10,) * 2)
    repository = Repository(tmp_path, clock=lambda: now)
    repository.publish("tiny", None, write_tiny)
    assert sorted(path.name for path in tmp_path.iterdir()) == [young.name, "tiny"]
    assert [entry.name for entry in repository.entries()] == ["tiny"]


def test_readers_never_see_half_a_pack(repository: Repository) -> None:
    repository.publish("tiny", None, write_tiny)
    done, errors, seen = threading.Event(), list[BaseException](), set[str]()

    def read() -> None:
        try:
            while not done.is_set():
                seen.add(open_pack(repository.find("tiny")).manifest.version)
        except BaseException as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        repository.publish("tiny", None, write_tiny)
    done.set()
    reader.join()
    assert errors == []
    assert seen


def test_publishers_at_once_each_get_a_version(repository: Repository) -> None:
    taken: list[str] = []

    def publish() -> None:
        for _ in range(4):
            taken.append(repository.publish("tiny", None, write_tiny).name)

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, taken)) == list(range(1, 17))


def test_name_not_found_says_what_there_is(repository: Repository) -> None:
    repository.publish("tiny", None, write_tiny)
    with pytest.raises(PackError) as caught:
        repository.find("tinny")
    assert (caught.value.code, caught.value.kind) == ("pack-not-found", Kind.NOT_FOUND)
    assert caught.value.hint == "Did you mean tiny?"
    assert caught.value.details == (f"{repository.root}: tiny 1",)
    with pytest.raises(PackError, match="has no tiny@2"):
        repository.find("tiny", "2")


def test_missing_repository_is_empty(repository: Repository) -> None:
    assert repository.entries() == []


def test_pack_is_a_folder_its_versions_or_an_archive(tiny: Path, tmp_path: Path) -> None:
    archive = write_archive(tiny, tmp_path / "x.pack")
    repository = Repository(tmp_path / "packs")
    repository.publish("tiny", "9", write_tiny)
    highest = repository.publish("tiny", "10", write_tiny)
    assert resolve(str(tiny), []) == tiny
    assert resolve(str(archive), []) == archive
    assert resolve(str(repository.root / "tiny"), []) == highest


def test_pack_is_a_name_in_the_first_repository_that_has_it(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    Repository(first).publish("tiny", "1", write_tiny)
    Repository(second).publish("tiny", "2", write_tiny)
    places = [tmp_path / "missing", first, second]
    assert resolve("tiny", places) == first / "tiny/1"
    assert resolve("tiny@2", places) == second / "tiny/2"


def test_pack_not_found_says_where_was_looked(tmp_path: Path) -> None:
    Repository(tmp_path).publish("tiny", None, write_tiny)
    with pytest.raises(PackError) as caught:
        resolve("tiny@5", [tmp_path, tmp_path / "missing"])
    assert caught.value.code == "pack-not-found"
    assert caught.value.details == (
        f"{tmp_path}: tiny 1",
        f"{tmp_path / 'missing'}: no such folder",
    )


def test_model_given_for_a_pack_says_how_to_import_it(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").touch()
    with pytest.raises(PackError) as caught:
        resolve(str(tmp_path / "net.onnx"), [])
    assert caught.value.code == "not-a-pack"
    assert "haversack pack import" in caught.value.hint


def test_folder_of_packs_is_not_one_pack(tmp_path: Path) -> None:
    manifest = make_manifest(tiny_files())
    write_pack(tmp_path / "packs" / "tiny" / "1", manifest, tiny_files())
    with pytest.raises(PackError) as caught:
        resolve(str(tmp_path / "packs"), [])
    assert caught.value.code == "not-a-pack"
