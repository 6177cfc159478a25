"""Bodies are counted as they arrive, unpacked within their limit, and let go of."""

from __future__ import annotations

import asyncio
import gzip
import io
import mmap
import time
import zlib
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message
from tests.unit.asgi.asking import asked

from haversack.asgi.bodies import Body, BodyLimit, BodyStore, body_pieces
from haversack.asgi.body_rates import BodyRateLimits, Incoming
from haversack.errors import HaversackError, RetryLaterError

LIMIT = BodyLimit(limit_bytes=1 << 20)
PACKERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}


def received(
    pieces: list[bytes | None],
    headers: dict[str, str] | None = None,
    limit: BodyLimit = LIMIT,
) -> list[bytes]:
    async def main() -> list[bytes]:
        return [piece async for piece in body_pieces(asked(pieces, headers), limit, Incoming())]

    return asyncio.run(main())


def refusal(
    pieces: list[bytes | None], headers: dict[str, str] | None = None, limit: BodyLimit = LIMIT
) -> HaversackError:
    with pytest.raises(HaversackError) as caught:
        received(pieces, headers, limit)
    return caught.value


def put(body: Body, piece: bytes) -> None:
    body.append(piece)
    asyncio.run(body.settle())


def on_disk(body: Body) -> bool:
    return isinstance(body.view(), mmap.mmap)


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
        request = asked([bomb], {"Content-Encoding": coding})
        async for piece in body_pieces(request, LIMIT, Incoming()):
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
    put(body, piece)
    assert body.view() is piece
    assert not on_disk(body)
    assert list(tmp_path.iterdir()) == []


def test_beyond_its_memory_a_body_goes_to_disk_and_gives_the_memory_back(tmp_path: Path) -> None:
    store = BodyStore(tmp_path / "waiting", memory_bytes=10)
    body = Body(store)
    for piece in (b"12345", b"67890", b"abc"):
        put(body, piece)
    assert on_disk(body)
    assert body.size_bytes == 13
    # All of it is free again for others.
    assert store.take(10)
    store.give(10)
    put(body, b"def")
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
    put(first, b"x" * 8)
    put(second, b"y" * 3)
    assert (on_disk(first), on_disk(second)) == (False, True)
    first.close()
    third = Body(store)
    put(third, b"z" * 10)
    assert not on_disk(third)
    second.close()
    third.close()
    assert store.take(10)


def test_a_body_may_be_closed_twice(tmp_path: Path) -> None:
    store = BodyStore(tmp_path, memory_bytes=10)
    body = Body(store)
    put(body, b"x" * 10)
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

    async def fill() -> None:
        for piece in pieces:
            body.append(piece)
            await body.settle()

    asyncio.run(fill())
    whole = b"".join(pieces)
    assert body.size_bytes == len(whole)
    assert on_disk(body) is (len(whole) > memory)
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
        put(body, b"x")
    assert caught.value.code == "spool-full"
    assert isinstance(caught.value, RetryLaterError)
    body.close()


def test_bodies_share_the_room_on_the_disk(tmp_path: Path) -> None:
    store = BodyStore(tmp_path, memory_bytes=0, disk_bytes=10)
    first, second = Body(store), Body(store)
    put(first, b"x" * 8)
    with pytest.raises(RetryLaterError) as caught:
        put(second, b"y" * 3)
    assert caught.value.code == "spool-full"
    assert caught.value.retry_after_seconds > 0
    first.close()
    second.close()
    third = Body(store)
    put(third, b"z" * 10)
    third.close()


class Held(Executor):
    """Threads that do nothing before they are told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **words: Any) -> Future[Any]:
        future = Future[Any]()

        def work() -> None:
            if future.set_running_or_notify_cancel():
                future.set_result(fn(*args, **words))

        self.waiting.append(work)
        return future

    def go_on(self) -> None:
        begun, self.waiting = self.waiting, []
        for work in begun:
            work()


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_the_event_loop_opens_writes_and_closes_no_file(tmp_path: Path) -> None:
    folder, writers = tmp_path / "waiting", Held()
    store = BodyStore(folder, memory_bytes=4, writers=writers)

    async def receive() -> bytes:
        async with store.receive(asked([b"123", b"456", b"789"]), LIMIT) as body:
            return body.read()

    async def main() -> None:
        task = asyncio.create_task(receive())
        for _ in range(2):
            await turns()
            assert len(writers.waiting) == 1
            assert not task.done()
            if not folder.exists():
                assert store.take(1), "what is not written yet is still counted"
                store.give(1)
                assert not store.take(2)
            writers.go_on()
        assert await task == b"123456789"
        assert len(writers.waiting) == 1, "it is closed there, too"
        writers.go_on()
        assert store.take(4)

    asyncio.run(main())


def test_a_body_that_is_called_off_while_it_is_written_leaves_no_open_file(tmp_path: Path) -> None:
    writers = Held()
    store = BodyStore(tmp_path / "waiting", memory_bytes=0, disk_bytes=9, writers=writers)

    async def receive() -> None:
        async with store.receive(asked([b"123", b"456"]), LIMIT):
            raise AssertionError("it is not written yet")

    async def main() -> None:
        task = asyncio.create_task(receive())
        await turns()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        # The write, which is called off, and the end of the file.
        assert len(writers.waiting) == 2
        writers.waiting.reverse()
        writers.go_on()
        assert not (tmp_path / "waiting").exists()
        store.take_disk(9)

    asyncio.run(main())


async def longest_step(work: Coroutine[Any, Any, object]) -> float:
    """The most CPU seconds that the event loop gave to it at once."""
    task, longest = asyncio.create_task(work), 0.0
    while not task.done():
        began = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - began)
    await task
    return longest


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b"\0" * (60 << 20)), gzip.compress(b"") * 15_000],
    ids=["a bomb", "many empty members"],
)
def test_unpacking_leaves_the_event_loop_to_others(tmp_path: Path, packed: bytes) -> None:
    store = BodyStore(tmp_path, memory_bytes=64 << 20)

    async def receive() -> None:
        request = asked([packed], {"Content-Encoding": "gzip"})
        async with store.receive(request, BodyLimit(limit_bytes=64 << 20)):
            pass

    assert asyncio.run(longest_step(receive())) < 0.05


def test_many_small_members_are_kept_as_few_pieces(tmp_path: Path) -> None:
    packed = gzip.compress(b"ab") * 5000
    pieces = received([packed], {"Content-Encoding": "gzip"})
    assert b"".join(pieces) == b"ab" * 5000
    assert len(pieces) < 20


async def never() -> Message:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("nobody sets it")


def unfinished(piece: bytes) -> Request:
    """A POST of which this came, and nothing more comes."""
    request = asked([])
    waiting = [piece]

    async def receive() -> Message:
        if not waiting:
            return await never()
        return {"type": "http.request", "body": waiting.pop(), "more_body": True}

    return Request({**request.scope, "client": ("192.0.2.1", 1)}, receive)


def test_of_many_unfinished_bodies_some_are_waited_for_and_the_others_refused(
    tmp_path: Path,
) -> None:
    limits = BodyRateLimits(slow_each=2, window_seconds=0.1, patience_seconds=1.0)
    store = BodyStore(tmp_path, memory_bytes=100, incoming=Incoming(limits))

    async def receive() -> str:
        try:
            async with store.receive(unfinished(b"x"), LIMIT):
                raise AssertionError("it never ends")
        except HaversackError as error:
            return error.code

    async def main() -> list[str]:
        return await asyncio.gather(*(receive() for _ in range(5)))

    codes = asyncio.run(main())
    assert sorted(codes) == ["bodies-too-slow"] * 3 + ["body-too-slow"] * 2
    assert store.take(100)


def test_what_came_while_the_loop_was_held_up_counts(tmp_path: Path) -> None:
    limits = BodyRateLimits(patience_seconds=0.05)
    store = BodyStore(tmp_path, incoming=Incoming(limits))
    rest = [b"rest", b"some"]

    async def main() -> bytes:
        arrived = asyncio.Event()

        async def receive() -> Message:
            if len(rest) == 1:
                await arrived.wait()
            return {"type": "http.request", "body": rest.pop(), "more_body": bool(rest)}

        def hold_up() -> None:
            time.sleep(0.2)
            asyncio.get_running_loop().call_soon(arrived.set)

        asyncio.get_running_loop().call_later(0.01, hold_up)
        async with store.receive(Request(asked([]).scope, receive), LIMIT) as body:
            return body.read()

    assert asyncio.run(main()) == b"somerest"


def test_a_large_body_waits_on_the_disk_however_much_memory_there_is(tmp_path: Path) -> None:
    """Joined for who reads it, it would be in memory twice."""

    async def main() -> tuple[bool, bool]:
        store = BodyStore(tmp_path, 1 << 30)
        found = []
        for size in (4 << 20, (4 << 20) + 1):
            body = Body(store)
            for at in range(0, size, 1 << 20):
                body.append(bytes(min(1 << 20, size - at)))
                await body.settle()
            assert len(body.view()) == body.size_bytes == size
            found.append(on_disk(body))
            body.close()
        return found[0], found[1]

    assert asyncio.run(main()) == (False, True)
