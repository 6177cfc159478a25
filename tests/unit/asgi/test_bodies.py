"""Bodies are counted as they arrive, unpacked within their limit, and let go of."""

from __future__ import annotations

import asyncio
import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.asgi.asking import asked

from haversack.asgi.bodies import Body, BodyLimit, BodyStore, body_pieces
from haversack.errors import HaversackError

LIMIT = BodyLimit(limit_bytes=1 << 20)
PACKERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}


def received(
    pieces: list[bytes | None],
    headers: dict[str, str] | None = None,
    limit: BodyLimit = LIMIT,
) -> list[bytes]:
    async def main() -> list[bytes]:
        return [piece async for piece in body_pieces(asked(pieces, headers), limit)]

    return asyncio.run(main())


def refusal(
    pieces: list[bytes | None], headers: dict[str, str] | None = None, limit: BodyLimit = LIMIT
) -> HaversackError:
    with pytest.raises(HaversackError) as caught:
        received(pieces, headers, limit)
    return caught.value


def cut(data: bytes, size: int) -> list[bytes | None]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_a_body_arrives_as_it_was_sent() -> None:
    assert b"".join(received([b"ab", b"", b"c"])) == b"abc"
    assert received([]) == []


@pytest.mark.parametrize("coding", PACKERS)
@given(data=st.binary(max_size=2000), size=st.integers(1, 300))
@settings(deadline=None)
def test_a_packed_body_is_unpacked_however_it_is_cut(coding: str, data: bytes, size: int) -> None:
    pieces = cut(PACKERS[coding](data), size)
    assert b"".join(received(pieces, {"Content-Encoding": coding})) == data


@given(size=st.integers(1, 60))
@settings(deadline=None)
def test_gzip_members_behind_one_another_are_all_unpacked(size: int) -> None:
    both = gzip.compress(b"abc") + gzip.compress(b"def")
    assert b"".join(received(cut(both, size), {"Content-Encoding": "gzip"})) == b"abcdef"


@pytest.mark.parametrize("name", ["GZIP", " gzip "])
def test_the_coding_is_told_in_any_case(name: str) -> None:
    assert received([gzip.compress(b"abc")], {"Content-Encoding": name}) == [b"abc"]


def test_a_large_packed_body_comes_in_small_pieces() -> None:
    bomb = gzip.compress(b"\0" * (1 << 20))
    pieces = received([bomb], {"Content-Encoding": "gzip"})
    assert sum(map(len, pieces)) == 1 << 20
    assert max(map(len, pieces)) <= 256 << 10


@pytest.mark.parametrize("coding", PACKERS)
def test_a_bomb_is_unpacked_no_further_than_the_limit(coding: str) -> None:
    bomb = PACKERS[coding](b"\0" * (200 << 20))
    seen = 0

    async def main() -> None:
        nonlocal seen
        async for piece in body_pieces(asked([bomb], {"Content-Encoding": coding}), LIMIT):
            seen += len(piece)

    with pytest.raises(HaversackError) as caught:
        asyncio.run(main())
    assert caught.value.code == "body-too-large"
    assert seen <= LIMIT.limit_bytes


@pytest.mark.parametrize("coding", PACKERS)
@pytest.mark.parametrize("keep", [0, 1, 5, 12, -1])
def test_a_packed_body_that_ends_too_early_is_refused(coding: str, keep: int) -> None:
    data = PACKERS[coding](b"abc" * 100)[:keep]
    assert refusal([data], {"Content-Encoding": coding}).code == "body-encoding-invalid"


@pytest.mark.parametrize("coding", PACKERS)
@given(data=st.binary(min_size=1, max_size=200))
@settings(deadline=None)
def test_whatever_is_sent_as_packed_is_unpacked_or_refused(coding: str, data: bytes) -> None:
    try:
        received([data], {"Content-Encoding": coding})
    except HaversackError as error:
        if error.code != "body-encoding-invalid":
            raise


@pytest.mark.parametrize("name", ["br", "zstd", "gzip, gzip", "x" * 500])
def test_another_coding_is_refused_with_those_that_are_read(name: str) -> None:
    error = refusal([b"abc"], {"Content-Encoding": name})
    assert error.code == "media-type-unsupported"
    assert "gzip and deflate" in error.message


def test_a_stated_size_beyond_the_limit_is_refused_before_anything_is_read() -> None:
    # No piece could be read: the request would fail otherwise.
    error = refusal([None], {"Content-Length": str((1 << 20) + 1)})
    assert error.code == "body-too-large"
    assert "1 MiB" in error.message
    assert "--body-limit" in error.hint


def test_a_size_that_is_not_stated_is_counted() -> None:
    assert refusal([b"x" * 1000] * 1100).code == "body-too-large"
    exact: list[bytes | None] = [b"x" * (1 << 20)]
    assert len(b"".join(received(exact))) == 1 << 20


def test_each_limit_names_its_own_option() -> None:
    limit = BodyLimit(limit_bytes=1, option="--pack-limit", code="pack-too-large")
    error = refusal([b"ab"], limit=limit)
    assert error.code == "pack-too-large"
    assert "--pack-limit" in error.hint


def test_who_hangs_up_is_told_apart_from_who_sent_all() -> None:
    error = refusal([b"abc", None])
    assert error.code == "body-incomplete"
    assert "after 3 bytes" in error.message


def test_a_body_within_memory_is_not_copied(tmp_path: Path) -> None:
    body = Body(BodyStore(tmp_path, memory_bytes=10))
    piece = b"x" * 10
    body.append(piece)
    assert body.view() is piece
    assert not body.on_disk
    assert list(tmp_path.iterdir()) == []


def test_beyond_its_memory_a_body_goes_to_disk_and_gives_the_memory_back(tmp_path: Path) -> None:
    store = BodyStore(tmp_path / "waiting", memory_bytes=10)
    body = Body(store)
    for piece in (b"12345", b"67890", b"abc"):
        body.append(piece)
    assert body.on_disk
    assert body.size_bytes == 13
    # All of it is free again for others.
    assert store.take(10)
    store.give(10)
    body.append(b"def")
    assert store.take(10)
    store.give(10)
    assert body.read() == b"1234567890abcdef"
    target = io.BytesIO()
    body.copy_to(target)
    assert target.getvalue() == b"1234567890abcdef"
    # The file has no name that could stay behind.
    assert list((tmp_path / "waiting").iterdir()) == []
    body.close()


def test_bodies_share_the_memory(tmp_path: Path) -> None:
    store = BodyStore(tmp_path, memory_bytes=10)
    first, second = Body(store), Body(store)
    first.append(b"x" * 8)
    second.append(b"y" * 3)
    assert (first.on_disk, second.on_disk) == (False, True)
    first.close()
    third = Body(store)
    third.append(b"z" * 10)
    assert not third.on_disk
    second.close()
    third.close()
    assert store.take(10)


def test_a_body_may_be_closed_twice(tmp_path: Path) -> None:
    store = BodyStore(tmp_path, memory_bytes=10)
    body = Body(store)
    body.append(b"x" * 10)
    body.close()
    body.close()
    assert store.take(10)
    assert not store.take(1)


@given(pieces=st.lists(st.binary(max_size=9), max_size=12), memory=st.integers(0, 40))
@settings(deadline=None)
def test_what_was_put_in_comes_out_and_no_memory_is_lost(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], memory: int
) -> None:
    store = BodyStore(tmp_path_factory.getbasetemp() / "waiting", memory_bytes=memory)
    body = Body(store)
    for piece in pieces:
        body.append(piece)
    whole = b"".join(pieces)
    assert body.size_bytes == len(whole)
    assert body.on_disk is (len(whole) > memory)
    assert body.read() == whole
    body.close()
    assert store.take(memory)
    assert not store.take(1)


@pytest.mark.parametrize("pieces", [[b"x" * 10, None], [b"x" * 2000]])
def test_a_body_that_is_refused_lets_go_of_its_memory(
    tmp_path: Path, pieces: list[bytes | None]
) -> None:
    store = BodyStore(tmp_path, memory_bytes=3000)

    async def main() -> None:
        async with store.receive(asked(pieces), BodyLimit(limit_bytes=1000)):
            raise AssertionError("it was accepted")

    with pytest.raises(HaversackError):
        asyncio.run(main())
    assert store.take(3000)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    body = Body(BodyStore(tmp_path / "file", memory_bytes=0))
    with pytest.raises(HaversackError) as caught:
        body.append(b"x")
    assert caught.value.code == "spool-full"
    body.close()
