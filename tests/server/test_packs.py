"""Packs sent, fetched and removed over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.running import BLOBS, PHOTO, Server, serving
from tests.shell import haversack
from tests.unit.packfile.conftest import (
    MODEL_TEXT,
    make_manifest,
    model_bytes,
    tiny_files,
    write_pack,
    write_tiny,
)

from haversack.packfile.archive import open_pack, write_archive


@pytest.fixture(scope="module")
def pack_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("house"), BLOBS, "--pack-limit", "200K") as server:
        yield server


def archive(folder: Path, version: str) -> bytes:
    """`tiny` as one file, as the command writes it."""
    write_tiny(folder / version, version)
    target = folder / f"tiny-{version}.pack"
    ran = haversack("pack", "export", folder / version, target, cwd=folder)
    assert ran.status == 0, ran.err
    return target.read_bytes()


def versions(server: Server) -> dict[str, str]:
    """What is loaded."""
    return {row["name"]: row["version"] for row in server.get("/packs").json()["packs"]}


def test_a_pack_is_sent_used_fetched_and_removed(pack_server: Server, tmp_path: Path) -> None:
    sent = {version: archive(tmp_path, version) for version in ("1", "2")}
    for version, data in sent.items():
        answer = pack_server.post(
            "/packs", content=data, headers={"Content-Type": "application/zip"}
        )
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"] == f"/packs/tiny/versions/{version}"
        assert (answer.json()["name"], answer.json()["version"]) == ("tiny", version)
        assert versions(pack_server) == {"blobs": "1", "tiny": version}
        record = pack_server.post("/predict/tiny", content=PHOTO.read_bytes()).json()
        assert (record["pack"], record["version"]) == ("tiny", version)

    again = pack_server.post("/packs", content=sent["2"])
    assert again.status_code == 409
    assert versions(pack_server)["tiny"] == "2"

    fetched = pack_server.get("/packs/tiny/versions/2")
    assert fetched.headers["content-type"] == "application/zip"
    assert "tiny-2.pack" in fetched.headers["content-disposition"]
    (tmp_path / "fetched.pack").write_bytes(fetched.content)
    opened, original = open_pack(tmp_path / "fetched.pack"), open_pack(tmp_path / "2")
    assert opened.manifest == original.manifest
    assert opened.read("model.onnx") == original.read("model.onnx")

    for version in ("2", "1"):
        place = f"/packs/tiny/versions/{version}"
        assert pack_server.delete(place).status_code == 204
        assert pack_server.delete(place).status_code == 404
        assert pack_server.get(place).status_code == 404
    assert versions(pack_server) == {"blobs": "1"}
    assert pack_server.post("/predict/tiny", content=PHOTO.read_bytes()).status_code == 404
    left = [path for path in (pack_server.state / "packs").rglob("*") if path.is_file()]
    assert left == []


def test_a_pack_that_was_sent_is_there_after_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path, BLOBS) as first:
        assert first.post("/packs", content=archive(tmp_path, "1")).status_code == 201
        state = first.state
    with serving(tmp_path, BLOBS, "--state", state) as second:
        index = second.post("/v2/repository/index").json()
        assert [row["name"] for row in index] == ["blobs", "tiny"]
        assert second.post("/v2/repository/models/tiny/load").status_code == 200
        assert versions(second) == {"blobs": "1", "tiny": "1"}


@pytest.mark.parametrize("data", [b"", b"garbage", b"PK\x03\x04 and no more"])
def test_what_is_no_pack_is_a_sentence(pack_server: Server, data: bytes) -> None:
    before = versions(pack_server)
    answer = pack_server.post("/packs", content=data)
    assert answer.status_code == 400
    assert answer.json()["error"]
    # Where the server keeps it meanwhile is nobody's business.
    assert str(pack_server.state) not in answer.text
    assert versions(pack_server) == before


def test_a_pack_that_was_changed_is_refused(pack_server: Server, tmp_path: Path) -> None:
    data = bytearray(archive(tmp_path, "7"))
    data[len(data) // 2] ^= 0xFF
    answer = pack_server.post("/packs", content=bytes(data))
    assert answer.status_code == 400
    assert "tiny" not in versions(pack_server)
    assert "7" not in [row["version"] for row in pack_server.post("/v2/repository/index").json()]


def test_a_version_that_the_owner_serves_cannot_be_sent_over_it(tmp_path: Path) -> None:
    data = archive(tmp_path, "1")
    with serving(tmp_path, tmp_path / "1") as server:
        answer = server.post("/packs", content=data)
        assert (answer.status_code, answer.json()["code"]) == (409, "pack-version-exists")
        assert str(server.state) not in answer.text


def test_a_pack_that_the_runtime_refuses_is_not_kept(pack_server: Server, tmp_path: Path) -> None:
    # A whole pack with true checksums, whose graph names an axis that is not there.
    graph = model_bytes(MODEL_TEXT.replace("Concat<axis = 1>", "Concat<axis = 7>"))
    files = tiny_files() | {"model.onnx": graph}
    write_pack(tmp_path / "9", make_manifest(files, name="wrong", version="9"), files)
    write_archive(tmp_path / "9", tmp_path / "9.pack")
    data = (tmp_path / "9.pack").read_bytes()
    for _ in range(2):  # the second time it is not there yet
        answer = pack_server.post("/packs", content=data)
        assert answer.status_code == 400, answer.text
    assert "wrong" not in [row["name"] for row in pack_server.post("/v2/repository/index").json()]


def test_a_pack_over_the_limit_is_413(pack_server: Server) -> None:
    answer = pack_server.post("/packs", content=b"\0" * (201 << 10))
    assert answer.status_code == 413
    assert answer.json()["code"] == "pack-too-large"
    assert "--pack-limit" in answer.json()["hint"]


def test_a_pack_that_the_owner_gave_is_not_removed_over_http(pack_server: Server) -> None:
    answer = pack_server.delete("/packs/blobs/versions/1")
    assert (answer.status_code, answer.json()["code"]) == (403, "pack-read-only")
    assert (BLOBS / "pack.toml").exists()
    assert versions(pack_server)["blobs"] == "1"


def test_a_pack_of_the_owner_can_be_fetched(pack_server: Server, tmp_path: Path) -> None:
    target = tmp_path / "blobs.pack"
    target.write_bytes(pack_server.get("/packs/blobs/versions/1").content)
    assert open_pack(target).manifest == open_pack(BLOBS).manifest


def test_the_menu_says_what_each_pack_is(pack_server: Server) -> None:
    (row,) = [row for row in pack_server.get("/packs").json()["packs"] if row["name"] == "blobs"]
    assert row["task"] == "detect"
    assert row["takes_pictures"] is True
    assert row["loaded"] is True
    assert row["labels"]
    assert 0 <= row["default_threshold"] <= 1
    assert row["speed_seconds"] > 0
