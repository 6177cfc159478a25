"""What commands about jobs ask, and that a photo is read as it is sent."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs

import pytest
from python_multipart.multipart import parse_options_header

from haversack.cli.jobs_asking import AskedRequest, JobsDoor, SentFile
from haversack.errors import HaversackError


class Remembering:
    """See `jobs_asking.Answerer`: answers with an empty object."""

    def __init__(self) -> None:
        self.asked: list[AskedRequest] = []

    @contextmanager
    def answer(self, asked: AskedRequest) -> Iterator[IO[bytes]]:
        self.asked.append(asked)
        yield io.BytesIO(b"{}")

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def answerer() -> Remembering:
    return Remembering()


@pytest.mark.parametrize("name", ["ü.png", 'a "b".png', "50%25.png", "a'b;c=d.png", "a\\b.png"])
def test_a_photos_name_arrives_as_it_is(answerer: Remembering, tmp_path: Path, name: str) -> None:
    photo = tmp_path / name
    photo.write_bytes(b"bytes")
    JobsDoor(answerer).submit("blobs@2", photo, {"threshold": 0.5, "map": None})
    (asked,) = answerer.asked
    assert asked.path == "/jobs/blobs/versions/2?threshold=0.5"
    assert asked.body is not None
    body = b"".join(asked.body)
    assert len(body) == asked.body.size_bytes
    _, options = parse_options_header(body.split(b"\r\n")[1])
    assert options[b"filename"].decode() == str(photo)
    boundary = asked.headers["Content-Type"].partition("boundary=")[2].encode()
    assert body.split(b"\r\n\r\n", 1)[1] == b"bytes\r\n--" + boundary + b"--\r\n"


def test_a_file_is_read_in_pieces_and_from_its_begin_each_time(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    path.write_bytes(b"x" * 3_000_000)
    sent = SentFile(path, b"head", b"tail")
    for _ in range(2):
        pieces = list(sent)
        assert max(map(len, pieces)) <= 1 << 20
        assert sum(map(len, pieces)) == sent.size_bytes == 3_000_008


def test_a_file_that_changes_meanwhile_is_never_sent_as_another(tmp_path: Path) -> None:
    path = tmp_path / "growing.jpg"
    path.write_bytes(b"12345")
    sent = SentFile(path)
    path.write_bytes(b"123456789")
    assert b"".join(sent) == b"12345"
    path.write_bytes(b"123")
    with pytest.raises(HaversackError, match="shorter"):
        list(sent)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(HaversackError, match=r"none\.jpg cannot be read: No such file") as caught:
        SentFile(tmp_path / "none.jpg")
    assert caught.value.code == "file-unreadable"


def test_what_no_address_can_name_is_not_asked_for(answerer: Remembering, tmp_path: Path) -> None:
    door = JobsDoor(answerer)
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"x")
    for name in ("", "a/b"):
        with pytest.raises(HaversackError) as caught:
            door.show(name)
        assert caught.value.code == "job-not-found"
        with pytest.raises(HaversackError) as caught:
            door.submit(name, photo, {})
        assert caught.value.code == "pack-not-loaded"
    with pytest.raises(HaversackError) as caught:
        door.upload("1", "\udcff.jpg", SentFile(photo))
    assert caught.value.code == "photo-name-invalid"
    assert answerer.asked == []


def test_wishes_that_are_none_are_left_out(answerer: Remembering) -> None:
    JobsDoor(answerer).submit_upload("blobs", {"upload": "1", "name": "ä & b", "tile": None})
    (asked,) = answerer.asked
    assert parse_qs(asked.path.partition("?")[2]) == {"upload": ["1"], "name": ["ä & b"]}
