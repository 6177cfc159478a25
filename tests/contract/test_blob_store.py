"""What `BlobStore` promises, in a folder and in an object store."""

from __future__ import annotations

import os
import tracemalloc
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from haversack.database.mounts import is_on_network
from haversack.errors import HaversackError
from haversack.jobs.blob_stores import open_blobs
from haversack.jobs.blobs import BlobStore, blob_name
from haversack.jobs.folder_blobs import FolderBlobs
from haversack.jobs.object_blobs import ObjectBlobs

DATA = b"a photo"
NAME = blob_name(DATA, "j1")
_BUCKET = "haversack-test"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket of moto's server, which refuses a second conditional put as S3 does."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415  # slow to import

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    given = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
    }
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        make = urllib.request.Request(f"{address}/{_BUCKET}", method="PUT")
        urllib.request.urlopen(make).close()
        yield f"s3://{_BUCKET}"
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        server.stop()


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "blobs")
    return f"{request.getfixturevalue('bucket')}/{tmp_path.name}"


@pytest.fixture
def blobs(place: str, tmp_path: Path) -> BlobStore:
    return open_blobs(place, tmp_path / "waiting")


def content(blobs: BlobStore, name: str) -> bytes:
    with blobs.opened(name) as data:
        return bytes(data[:])


def code_of(blobs: BlobStore, name: str) -> str:
    with pytest.raises(HaversackError) as caught:
        content(blobs, name)
    return caught.value.code


class TestBlobs:
    def test_what_was_put_is_read_by_another_who_opens_the_store(self, place: str) -> None:
        open_blobs(place).put(NAME, memoryview(DATA))
        assert content(open_blobs(place), NAME) == DATA

    def test_equal_photos_of_two_jobs_do_not_share(self, blobs: BlobStore) -> None:
        other = blob_name(DATA, "j2")
        blobs.put(NAME, DATA)
        blobs.put(other, DATA)
        blobs.delete(NAME)
        assert content(blobs, other) == DATA
        assert code_of(blobs, NAME) == "blob-missing"

    def test_a_part_of_a_blob_is_read_alone(self, blobs: BlobStore) -> None:
        name = blob_name(b"0123456789", "job")
        blobs.put(name, b"0123456789")
        assert blobs.part(name, 2, 3) == b"234"
        blobs.delete(name)
        with pytest.raises(HaversackError) as caught:
            blobs.part(name, 0, 1)
        assert caught.value.code == "blob-missing"

    def test_a_fetched_blob_is_a_file_that_outlives_it(
        self, blobs: BlobStore, tmp_path: Path
    ) -> None:
        name, target = blob_name(b"photo", "job"), tmp_path / "a photo.jpg"
        blobs.put(name, b"photo")
        for _ in range(2):  # again after a kill
            blobs.fetch(name, target)
        blobs.delete(name)
        assert target.read_bytes() == b"photo"
        assert [one.name for one in tmp_path.glob("*photo*")] == ["a photo.jpg"]

    def test_a_damaged_or_missing_blob_is_not_fetched(
        self, blobs: BlobStore, tmp_path: Path
    ) -> None:
        damaged = blob_name(b"one", "job")
        blobs.put(damaged, b"two")
        for name, code in ((damaged, "blob-damaged"), (blob_name(b"x", "job"), "blob-missing")):
            with pytest.raises(HaversackError) as caught:
                blobs.fetch(name, tmp_path / "target")
            assert caught.value.code == code
            assert not (tmp_path / "target").exists()

    def test_putting_and_deleting_twice_is_no_fault(self, blobs: BlobStore) -> None:
        blobs.put(NAME, DATA)
        blobs.put(NAME, DATA)
        assert content(blobs, NAME) == DATA
        blobs.delete(NAME)
        blobs.delete(NAME)

    def test_what_is_not_as_its_name_says_is_not_given(self, blobs: BlobStore) -> None:
        blobs.put(NAME, b"another photo")
        assert code_of(blobs, NAME) == "blob-damaged"

    def test_what_is_deleted_while_it_is_open_stays_until_it_is_closed(
        self, blobs: BlobStore
    ) -> None:
        blobs.put(NAME, DATA)
        with blobs.opened(NAME) as data:
            blobs.delete(NAME)
            assert bytes(data[:]) == DATA
        assert code_of(blobs, NAME) == "blob-missing"

    def test_what_is_open_can_be_closed_while_somebody_still_reads_it(
        self, blobs: BlobStore
    ) -> None:
        blobs.put(NAME, DATA)
        with blobs.opened(NAME) as data:
            view = memoryview(data)
        assert bytes(view) == DATA

    def test_what_holds_nothing_is_given_back_as_nothing(self, blobs: BlobStore) -> None:
        name = blob_name(b"", "j1")
        blobs.put(name, b"")
        assert content(blobs, name) == b""

    def test_what_was_put_long_ago_is_listed(self, blobs: BlobStore) -> None:
        blobs.put(NAME, DATA)
        assert list(blobs.older_than(3600)) == []
        assert list(blobs.older_than(-3600)) == [NAME]

    def test_a_place_has_one_name_for_all_who_ask_at_once(self, place: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            names = set(pool.map(lambda _: open_blobs(place).place(), range(8)))
        assert len(names) == 1
        assert open_blobs(place).place() in names

    def test_two_places_have_two_names(self, place: str) -> None:
        assert open_blobs(place).place() != open_blobs(f"{place}-2").place()


def test_halves_of_a_killed_put_are_listed_and_deleted(tmp_path: Path) -> None:
    half = tmp_path / NAME[:2] / f".{NAME}.part"
    half.parent.mkdir()
    half.write_bytes(b"a ph")
    blobs = FolderBlobs(tmp_path)
    assert list(blobs.older_than(-1)) == [half.name]
    blobs.delete(half.name)
    assert not half.exists()


@pytest.mark.parametrize("kind", ["folder", "objects"])
def test_a_large_one_is_open_without_being_in_the_heap(kind: str, tmp_path: Path) -> None:
    blobs: BlobStore
    # Not moto's server, which is in this very process and holds what it is sent.
    blobs = FolderBlobs(tmp_path) if kind == "folder" else ObjectBlobs(tmp_path.as_uri(), tmp_path)
    size = 48 << 20
    large = bytes(range(256)) * (size // 256)
    name = blob_name(large, "j1")
    blobs.put(name, large)
    tracemalloc.start()
    try:
        with blobs.opened(name) as data:
            assert len(data) == size
            _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < size // 4


def test_blobs_on_another_machines_disk_are_read_through_a_file_on_this_one(
    tmp_path: Path,
) -> None:
    mounts = ["/dev/sda1 / ext4 rw 0 0", f"server:/photos {tmp_path} nfs4 rw 0 0"]
    assert is_on_network(tmp_path / "blobs", mounts)
    assert not is_on_network(tmp_path / "blobs", mounts[:1])
    far = FarBlobs(tmp_path / "blobs", tmp_path / "waiting")
    far.put(NAME, DATA)
    with far.opened(NAME) as data:
        (blob,) = tmp_path.glob("blobs/??/*")
        blob.write_bytes(b"")  # what would end a process that had mapped it
        assert bytes(data[:]) == DATA
    assert code_of(far, NAME) == "blob-damaged"


class FarBlobs(FolderBlobs):
    """A folder of which the system would say that it is another machine's."""

    _is_far = True


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    blobs = FolderBlobs(tmp_path / "file" / "blobs")
    for call in (lambda: blobs.put(NAME, DATA), blobs.place):
        with pytest.raises(HaversackError) as caught:
            call()
        assert caught.value.code == "blobs-away"


def test_a_store_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(HaversackError) as caught:
        open_blobs("ftp://example.org/jobs")
    assert caught.value.code == "blobs-away"
