"""What a person names leads to the same photos, under the same keys, every time."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from haversack.errors import HaversackError
from haversack.survey.run.sources import Sources, find_photos

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\2\0\0\0" + b"\0" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photos at two depths, one without a suffix, and what lies about on a field disk."""
    for name in ("b/2.JPG", "b/1.jpg", "a.tiff", "c/x/deep.png", "._1.jpg", "b/._2.JPG"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "in" / "scan").write_bytes(PNG)
    (tmp_path / "in" / "notes.txt").write_text("hello, this is a text of some length")
    (tmp_path / "in" / "Thumbs.db").write_bytes(b"")
    return tmp_path / "in"


def find(*words: Path | str, stdin: str = "", skip: Path | None = None) -> Sources:
    return find_photos(tuple(map(str, words)), io.StringIO(stdin), skip=skip)


def names(sources: Sources) -> list[str]:
    return [photo.path for photo in sources.photos]


def test_a_folder_is_searched_to_its_depth_sorted_and_told_apart(folder: Path) -> None:
    sources = find(folder)
    assert names(sources) == ["a.tiff", "b/1.jpg", "b/2.JPG", "c/x/deep.png", "scan"]
    assert sources.ignored == {".jpg": 2, ".txt": 1, ".db": 1}
    assert sources.root == folder


def test_size_and_time_are_part_of_what_is_kept(folder: Path) -> None:
    told = (folder / "a.tiff").stat()
    photo = find(folder).photos[0]
    assert (photo.size_bytes, photo.mtime_ns) == (told.st_size, told.st_mtime_ns)


def test_several_words_share_the_deepest_root_and_no_photo_comes_twice(folder: Path) -> None:
    sources = find(folder / "b", folder / "b" / "1.jpg", folder / "c")
    assert sources.root == folder
    assert names(sources) == ["b/1.jpg", "b/2.JPG", "c/x/deep.png"]


def test_globs_take_photos_and_folders(folder: Path) -> None:
    assert names(find(folder / "b" / "*.jpg")) == ["1.jpg"]
    assert names(find(f"{folder}/**/*.png")) == ["deep.png"]
    assert names(find(f"{folder}/[bc]")) == ["b/1.jpg", "b/2.JPG", "c/x/deep.png"]


def test_lists_name_photos_relative_to_the_working_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    listed = "b/1.jpg\n\nc/x/deep.png\r\nb/gone.jpg\n"
    (folder / "list.txt").write_text(listed)
    for sources in (find("list.txt"), find("-", stdin=listed)):
        assert names(sources) == ["b/1.jpg", "c/x/deep.png"]
        assert sources.missing == ("b/gone.jpg",)


def test_run_folders_are_not_searched(folder: Path) -> None:
    for run in (folder / "run", folder / "c" / "old"):
        (run / "exports").mkdir(parents=True)
        (run / "exports" / "crop.jpg").write_bytes(b"x")
    (folder / "c" / "old" / "run.sqlite").write_bytes(b"")
    assert "run/exports/crop.jpg" not in names(find(folder, skip=folder / "run"))
    assert not [name for name in names(find(folder, skip=folder / "run")) if "crop" in name]


def test_a_name_that_is_no_utf8_is_kept(folder: Path) -> None:
    strange = os.fsdecode(os.fsencode(folder / "b") + b"/caf\xe9.jpg")
    Path(strange).write_bytes(b"x")
    assert "b/caf\udce9.jpg" in names(find(folder))


@pytest.mark.parametrize("word", ["", "nowhere", "nowhere/*.jpg", "b/empty"])
def test_a_word_that_leads_nowhere_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    (folder / "b" / "empty").mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(HaversackError) as caught:
        find(word)
    assert caught.value.code == "input-missing"
