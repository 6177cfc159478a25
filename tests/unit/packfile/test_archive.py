"""A pack opens only when everything in it is as it says; refused packs leave no trace."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import onnx
import onnx.helper as oh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.packfile.conftest import (
    FIT,
    MODEL,
    MODEL_TEXT,
    changed,
    make_manifest,
    model_bytes,
    sha256,
    snapshot,
    tiny_files,
    write_pack,
)

from haversack.errors import Kind, PackError
from haversack.packfile.archive import open_pack, write_archive
from haversack.packfile.manifest import encode
from haversack.packfile.staging import STAGING_PREFIX, STALE_SECONDS

Members = list[tuple[str | zipfile.ZipInfo, bytes]]


def refusal(path: Path, **options: int) -> PackError:
    """The error of opening `path`, after showing that opening wrote nothing."""
    before = snapshot(path.parent)
    with pytest.raises(PackError) as caught:
        open_pack(path, **options)
    assert snapshot(path.parent) == before
    return caught.value


def tiny_members() -> Members:
    manifest = encode(make_manifest(tiny_files()))
    return [("pack.toml", manifest), *tiny_files().items()]


def write_zip(path: Path, members: Members, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for member, data in members:
            archive.writestr(member, data)
    return path


def test_folder_and_archive_give_the_same_pack(tiny: Path, tmp_path: Path) -> None:
    folder = open_pack(tiny)
    archive = open_pack(write_archive(tiny, tmp_path / "tiny.pack"))
    assert folder.manifest == archive.manifest
    assert folder.digest == archive.digest == sha256((tiny / "pack.toml").read_bytes())
    assert folder.names == archive.names
    assert [folder.read(name) for name in folder.names] == [
        archive.read(name) for name in archive.names
    ]
    assert folder.path("model.onnx") == tiny / "model.onnx"
    assert archive.path("model.onnx") is None


def test_profile_may_lie_there_unlisted(tiny: Path, tmp_path: Path) -> None:
    (tiny / "profile.toml").write_text("hint = 1")
    assert open_pack(tiny).read("profile.toml") == b"hint = 1"
    archive = write_archive(tiny, tmp_path / "tiny.pack")
    assert open_pack(archive).read("profile.toml") == b"hint = 1"


def test_unknown_file_name_is_not_found(tiny: Path) -> None:
    with pytest.raises(PackError) as caught:
        open_pack(tiny).read("../tiny/pack.toml")
    assert (caught.value.code, caught.value.kind) == ("pack-file-missing", Kind.NOT_FOUND)


def test_file_changed_after_opening_is_noticed(tiny: Path) -> None:
    pack = open_pack(tiny)
    (tiny / "samples/first.bin").write_bytes(b"SAMPLE")
    with pytest.raises(PackError) as caught:
        pack.read("samples/first.bin")
    assert caught.value.code == "pack-checksum"


def test_zip_of_another_program_with_folder_entries_opens(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.pack", [("samples/", b""), *tiny_members()])
    assert open_pack(path).read("samples/first.bin") == b"sample"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.onnx", MODEL, "haversack pack import"),
        ("photo.jpg", b"\xff\xd8\xff", "A pack is a folder or a .pack file"),
        ("empty.pack", b"", "A pack is a folder"),
    ],
)
def test_file_of_another_kind_is_no_pack(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    error = refusal(tmp_path / name)
    assert error.code == "not-a-pack"
    assert words in error.hint


def test_zip_or_folder_without_manifest_is_no_pack(tmp_path: Path) -> None:
    assert refusal(write_zip(tmp_path / "a.zip", [("x", b"")])).code == "not-a-pack"
    (tmp_path / "models/1").mkdir(parents=True)
    assert refusal(tmp_path / "models").code == "not-a-pack"
    (tmp_path / "models/1/pack.toml").touch()
    assert str(tmp_path / "models/1") in refusal(tmp_path / "models").hint


def test_nothing_there_is_not_found(tmp_path: Path) -> None:
    error = refusal(tmp_path / "none.pack")
    assert (error.code, error.kind) == ("pack-not-found", Kind.NOT_FOUND)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", "a/../../evil", "C:/evil", "a\\evil", "a//b", "a\x00b"]
)
def test_name_that_leaves_the_pack_is_refused(tmp_path: Path, name: str) -> None:
    info = zipfile.ZipInfo("x" * len(name))
    path = write_zip(tmp_path / "a.pack", [*tiny_members(), (info, b"evil")])
    path.write_bytes(path.read_bytes().replace(info.filename.encode(), name.encode()))
    assert refusal(path).code == "pack-unsafe-name"


def test_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = write_zip(tmp_path / "a.pack", [*tiny_members(), ("model.onnx", MODEL)])
    assert refusal(path).code == "pack-duplicate-name"


@pytest.mark.parametrize(
    ("kind", "code"), [(stat.S_IFLNK, "pack-link"), (stat.S_IFIFO, "pack-special-file")]
)
def test_member_that_is_no_plain_file_is_refused(tmp_path: Path, kind: int, code: str) -> None:
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    path = write_zip(tmp_path / "a.pack", [*tiny_members(), (info, b"/etc/passwd")])
    assert refusal(path).code == code


def test_link_in_a_folder_is_refused(tiny: Path) -> None:
    (tiny / "samples/first.bin").unlink()
    (tiny / "samples/first.bin").symlink_to("/etc/hostname")
    assert refusal(tiny).code == "pack-link"


def test_pipe_in_a_folder_is_refused(tiny: Path) -> None:
    os.mkfifo(tiny / "pipe")
    with pytest.raises(PackError) as caught:
        open_pack(tiny)
    assert caught.value.code == "pack-special-file"


def test_folder_that_is_itself_a_link_opens(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(tiny)
    assert open_pack(tmp_path / "current").manifest.name == "tiny"


def test_compressed_members_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.pack", tiny_members(), zipfile.ZIP_DEFLATED)
    assert refusal(path).code == "pack-compressed"


def patch_directory(path: Path, offset: int, layout: str, value: int) -> None:
    """Write `value` into the first entry of the zip's central directory."""
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, data.index(b"PK\x01\x02") + offset, value)
    path.write_bytes(data)


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.pack", tiny_members())
    patch_directory(path, 8, "<H", 1)
    assert refusal(path).code == "pack-encrypted"


def test_sizes_that_disagree_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.pack", tiny_members())
    patch_directory(path, 24, "<I", 1 << 30)
    assert refusal(path).code == "pack-compressed"


def test_directory_that_points_elsewhere_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.pack", tiny_members())
    patch_directory(path, 42, "<I", 7)
    assert refusal(path).code == "pack-archive-unreadable"


def test_archive_cut_short_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.pack", tiny_members())
    path.write_bytes(path.read_bytes()[:-30])
    assert refusal(path).code == "pack-archive-unreadable"


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    extra: Members = [(f"x{place}", b"") for place in range(10_001)]
    path = write_zip(tmp_path / "a.pack", [*tiny_members(), *extra])
    assert refusal(path).code == "pack-too-many-files"


def test_huge_directory_is_not_read(tmp_path: Path) -> None:
    extra: Members = [("x" * 60_000 + str(place), b"") for place in range(80)]
    path = write_zip(tmp_path / "a.pack", [*tiny_members(), *extra])
    assert refusal(path).code == "pack-too-many-files"


def test_limit_counts_the_bytes_really_read(tiny: Path, tmp_path: Path) -> None:
    total = sum(path.stat().st_size for path in tiny.rglob("*") if path.is_file())
    archive = write_archive(tiny, tmp_path / "tiny.pack")
    for path in (tiny, archive):
        assert open_pack(path, unpacked_limit_bytes=total).manifest.name == "tiny"
        assert refusal(path, unpacked_limit_bytes=total - 1).code == "pack-too-large"


def rewrite(folder: Path, **files: bytes) -> None:
    """A pack.toml true of `files`, whose signature stays that of the valid model."""
    content = {**tiny_files(), **{f"{name}.onnx": data for name, data in files.items()}}
    write_pack(folder, make_manifest(content, model=MODEL), content)


def without_file(folder: Path) -> None:
    (folder / "samples/first.bin").unlink()


def with_file(folder: Path) -> None:
    (folder / "samples/second.bin").touch()


def with_nested_profile(folder: Path) -> None:
    (folder / "samples/profile.toml").touch()


def with_damage(folder: Path) -> None:
    (folder / "samples/first.bin").write_bytes(b"damage")


def with_format_two(folder: Path) -> None:
    (folder / "pack.toml").write_text("format = 2")


def with_other_model(folder: Path) -> None:
    rewrite(folder, model=model_bytes(MODEL_TEXT.replace("4,6,3", "6,4,3")))


def with_other_task(folder: Path) -> None:
    manifest = changed(make_manifest(tiny_files()), task="classify", graph=None)
    (folder / "pack.toml").write_bytes(encode(manifest))


def with_other_fit(folder: Path) -> None:
    rewrite(folder, fit=FIT.replace(b"placement", b"displaced"))


def with_custom_operator(folder: Path) -> None:
    model = onnx.load_from_string(MODEL)
    model.graph.node[0].domain = "com.microsoft"
    rewrite(folder, model=model.SerializeToString())


def with_damaged_graph(folder: Path) -> None:
    rewrite(folder, fit=FIT[:-1])


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (without_file, "pack-file-missing"),
        (with_file, "pack-file-unlisted"),
        (with_nested_profile, "pack-file-unlisted"),
        (with_damage, "pack-checksum"),
        (with_format_two, "pack-format-unknown"),
        (with_other_model, "pack-signature-differs"),
        (with_other_task, "pack-signature-unfit"),
        (with_other_fit, "pack-signature-unfit"),
        (with_custom_operator, "graph-custom-domain"),
        (with_damaged_graph, "graph-unreadable"),
    ],
)
def test_pack_that_is_not_as_it_says_is_refused(
    tiny: Path, tmp_path: Path, spoil: Callable[[Path], None], code: str
) -> None:
    spoil(tiny)
    assert refusal(tiny).code == code
    content = [(str(p.relative_to(tiny)), p.read_bytes()) for p in tiny.rglob("*") if p.is_file()]
    assert refusal(write_zip(tmp_path / "tiny.pack", list(content))).code == code


def external_model(location: str) -> bytes:
    model = onnx.load_from_string(MODEL)
    tensor = model.graph.initializer[0]
    tensor.ClearField("int64_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("location", ["../far.bin", "/etc/passwd", "near.bin", ""])
def test_tensors_outside_the_pack_are_refused(tiny: Path, location: str) -> None:
    rewrite(tiny, model=external_model(location))
    assert refusal(tiny).code == "graph-external-data"


def test_tensors_in_a_listed_file_open_from_a_folder_only(tiny: Path, tmp_path: Path) -> None:
    rewrite(tiny, model=external_model("samples/first.bin"))
    assert open_pack(tiny).manifest.name == "tiny"
    before = snapshot(tmp_path)
    with pytest.raises(PackError) as caught:
        write_archive(tiny, tmp_path / "tiny.pack")
    assert caught.value.code == "graph-external-data"
    assert snapshot(tmp_path) == before


def test_archive_is_the_same_bytes_each_time(tiny: Path, tmp_path: Path) -> None:
    first = write_archive(tiny, tmp_path / "1.pack").read_bytes()
    os.utime(tiny / "model.onnx", (1, 1))
    assert write_archive(tiny, tmp_path / "2.pack").read_bytes() == first
    assert zipfile.ZipFile(io.BytesIO(first)).testzip() is None


def test_archive_is_replaced_only_when_asked(tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "tiny.pack"
    target.write_bytes(b"mine")
    before = snapshot(tmp_path)
    with pytest.raises(PackError) as caught:
        write_archive(tiny, target)
    assert (caught.value.code, caught.value.kind) == ("pack-exists", Kind.CONFLICT)
    assert snapshot(tmp_path) == before
    write_archive(tiny, target, overwrite=True)
    assert open_pack(target).manifest.name == "tiny"


def test_unpacked_folder_is_the_pack(tiny: Path, tmp_path: Path) -> None:
    archive = write_archive(tiny, tmp_path / "tiny.pack")
    target = tmp_path / "copy"
    target.mkdir()
    open_pack(archive).write_into(target)
    assert snapshot(target) == snapshot(tiny)


def test_local_functions_of_an_own_domain_are_refused(tiny: Path) -> None:
    model = onnx.load_from_string(MODEL)
    body = [oh.make_node("Relu", ["a"], ["b"])]
    imports = [oh.make_opsetid("", 18)]
    model.functions.append(oh.make_function("own", "F", ["a"], ["b"], body, imports))
    rewrite(tiny, model=model.SerializeToString())
    assert refusal(tiny).code == "graph-custom-domain"


@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4))
@settings(deadline=None, max_examples=300)
def test_mutated_archives_open_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[float, int]]
) -> None:
    path = write_zip(tmp_path_factory.getbasetemp() / "mutated.pack", tiny_members())
    data = bytearray(path.read_bytes())
    headers = data.index(b"PK\x01\x02")
    for share, byte in edits:
        data[headers + int(share * (len(data) - headers))] = byte
    path.write_bytes(data)
    with contextlib.suppress(PackError):
        assert open_pack(path).manifest.name == "tiny"


def test_what_killed_processes_left_beside_a_file_is_removed(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "tiny", make_manifest(tiny_files()), tiny_files())
    place = tmp_path / "place"
    old, young = place / f"{STAGING_PREFIX}old", place / f"{STAGING_PREFIX}young"
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (time.time() - 2 * STALE_SECONDS,) * 2)
    write_archive(pack, place / "new")
    assert sorted(path.name for path in place.iterdir()) == [young.name, "new"]
