"""A picture's header is read once, and a large body is none of the event loop's business."""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from tests.integration.plane import Running, running_plane
from tests.server.running import BLOBS, PHOTO

from haversack.engine.results import ImageResult
from haversack.errors import HaversackError, ImageError
from haversack.serve.answering import Sent
from haversack.serve.dataplane import Asked, Target
from haversack.serve.model import ServedModel
from haversack.serve.pictures import PictureBytes
from haversack.serve.v1_predict import V1Predict
from haversack.serve.v2_infer import V2Infer

T = TypeVar("T")
BLOBS_TARGET = Target(name="blobs")
LARGE = 64 << 10


class Looked(bytes):
    """Bytes that count how often somebody asks which format they are in."""

    looks = 0

    def __getitem__(self, part: Any) -> Any:
        self.looks += part == slice(None, 16)
        return super().__getitem__(part)


class Watched:
    """A picture that remembers by whom it was seen."""

    def __init__(self, data: bytes) -> None:
        self.data = Looked(data)
        self.threads: set[int | None] = set()

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    def view(self) -> bytes:
        self.threads.add(threading.get_ident())
        return self.data

    def read(self) -> bytes:
        return self.view()

    def keep(self) -> Callable[[], None]:
        return lambda: None


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_plane([BLOBS], tmp_path_factory.mktemp("house")) as running:
        yield running


def done(house: Running, work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, house.loop).result(20)


def loop_thread(house: Running) -> int:
    async def which() -> int:
        return threading.get_ident()

    return done(house, which())


def width(result: ImageResult, model: ServedModel) -> int:
    return result.width


def padded(size_bytes: int = 2 * LARGE) -> bytes:
    """The photo, with so much behind its end."""
    return PHOTO.read_bytes().ljust(size_bytes, b"\0")


@pytest.mark.parametrize("size_bytes", [0, 2 * LARGE])
def test_one_look_tells_what_a_request_needs_and_decodes_it(
    house: Running, size_bytes: int
) -> None:
    picture = Watched(padded(size_bytes))
    assert done(house, house.plane.see(BLOBS_TARGET, picture, width)) > 0
    assert picture.data.looks == 1


def test_one_look_is_enough_for_each_of_several(house: Running) -> None:
    pictures = [Watched(padded()) for _ in range(3)] + [Watched(b"no picture at all" * LARGE)]
    asked = [Asked(picture=one, render=width) for one in pictures]
    seen = done(house, house.plane.see_together(BLOBS_TARGET, asked))
    assert [isinstance(one, HaversackError) for one in seen] == [False] * 3 + [True]
    assert isinstance(seen[3], ImageError)
    assert seen[3].code == "image-type-unknown"
    assert [one.data.looks for one in pictures] == [1, 1, 1, 1]
    assert not {loop_thread(house)} & set().union(*(one.threads for one in pictures))


def test_large_pictures_are_not_looked_at_on_the_loop(house: Running) -> None:
    picture = Watched(padded())
    done(house, house.plane.see(BLOBS_TARGET, picture, width))
    assert picture.threads
    assert loop_thread(house) not in picture.threads


def v2_binary(photo: bytes) -> tuple[bytes, str]:
    head = (
        b'{"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "parameters": '
        b'{"binary_data_size": %d}}]}' % (len(photo) + 4)
    )
    return head + struct.pack("<L", len(photo)) + photo, str(len(head))


@pytest.mark.parametrize("form", ["raw", "binary"])
def test_large_bodies_of_v2_are_parsed_by_a_worker(house: Running, form: str) -> None:
    body, header_length = (padded(), "0") if form == "raw" else v2_binary(padded())
    sent = Sent(body=Watched(body), header_length=header_length)
    answer = done(house, V2Infer(house.plane).answer(BLOBS_TARGET, sent))
    assert answer.content
    assert isinstance(sent.body, Watched)
    assert loop_thread(house) not in sent.body.threads


def test_large_bodies_of_v1_are_put_together_by_a_worker(house: Running) -> None:
    sent = Sent(body=Watched(b'{"instances": []}'.ljust(2 * LARGE)))
    with pytest.raises(HaversackError, match="instances"):
        done(house, V1Predict(house.plane).answer(BLOBS_TARGET, sent))
    assert isinstance(sent.body, Watched)
    assert loop_thread(house) not in sent.body.threads


def test_what_it_takes_to_read_an_avif_header_is_reserved(house: Running) -> None:
    avif = b"\0\0\0\x18ftypavif\0\0\0\0mif1avif".ljust(16 << 20, b"\0")
    with pytest.raises(ImageError):
        done(house, house.plane.see(BLOBS_TARGET, PictureBytes(avif), width))
    budget = house.plane.memory.budget
    assert budget.most_bytes >= 3 * len(avif)
    assert budget.taken_bytes == 0
