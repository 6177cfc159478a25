"""A photo's header is read once, and a large body is none of the event loop's business."""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from tests.integration.plane import Running, running_plane
from tests.server.running import BLOBS, PHOTO

from haversack.engine.results import PhotoResult
from haversack.errors import HaversackError, PhotoError
from haversack.serve.models.model import ServedModel
from haversack.serve.plane.encoded_photo import PhotoBytes
from haversack.serve.plane.photos import BatchItem
from haversack.serve.plane.visits import Target
from haversack.serve.protocols.answering import SentBody
from haversack.serve.protocols.v1 import V1Predict
from haversack.serve.protocols.v2 import V2Infer

T = TypeVar("T")
BLOBS_TARGET = Target(name="blobs")
LARGE = 64 << 10


class Looked(bytes):
    """Bytes that count how often somebody asks which format they are in."""

    reads = 0

    def __getitem__(self, part: Any) -> Any:
        self.reads += part == slice(None, 16)
        return super().__getitem__(part)


class Watched:
    """A photo that remembers by whom it was seen."""

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

    def retain(self) -> Callable[[], None]:
        return lambda: None


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_plane([BLOBS], tmp_path_factory.mktemp("house")) as running:
        yield running


def done(running: Running, work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, running.loop).result(20)


def loop_thread(running: Running) -> int:
    async def which() -> int:
        return threading.get_ident()

    return done(running, which())


def width(result: PhotoResult, model: ServedModel) -> int:
    return result.width


def padded(size_bytes: int = 2 * LARGE) -> bytes:
    """The photo, with so much behind its end."""
    return PHOTO.read_bytes().ljust(size_bytes, b"\0")


@pytest.mark.parametrize("size_bytes", [0, 2 * LARGE])
def test_one_look_tells_what_a_request_needs_and_decodes_it(
    running: Running, size_bytes: int
) -> None:
    photo = Watched(padded(size_bytes))
    assert done(running, running.plane.photos.predict(BLOBS_TARGET, photo, width)) > 0
    assert photo.data.reads == 1


def test_one_look_is_enough_for_each_of_several(running: Running) -> None:
    photos = [Watched(padded()) for _ in range(3)] + [Watched(b"no photo at all" * LARGE)]
    asked = [BatchItem(photo=one, render=width) for one in photos]
    seen = done(running, running.plane.photos.predict_together(BLOBS_TARGET, asked))
    assert [isinstance(one, HaversackError) for one in seen] == [False] * 3 + [True]
    assert isinstance(seen[3], PhotoError)
    assert seen[3].code == "image-type-unknown"
    assert [one.data.reads for one in photos] == [1, 1, 1, 1]
    assert not {loop_thread(running)} & set().union(*(one.threads for one in photos))


def test_large_photos_are_not_looked_at_on_the_loop(running: Running) -> None:
    photo = Watched(padded())
    done(running, running.plane.photos.predict(BLOBS_TARGET, photo, width))
    assert photo.threads
    assert loop_thread(running) not in photo.threads


def v2_binary(photo: bytes) -> tuple[bytes, str]:
    head = (
        b'{"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "parameters": '
        b'{"binary_data_size": %d}}]}' % (len(photo) + 4)
    )
    return head + struct.pack("<L", len(photo)) + photo, str(len(head))


@pytest.mark.parametrize("form", ["raw", "binary"])
def test_large_bodies_of_v2_are_parsed_by_a_worker(running: Running, form: str) -> None:
    body, header_length = (padded(), "0") if form == "raw" else v2_binary(padded())
    sent = SentBody(body=Watched(body), header_length=header_length)
    answer = done(running, V2Infer(running.plane).answer(BLOBS_TARGET, sent))
    assert answer.content
    assert isinstance(sent.body, Watched)
    assert loop_thread(running) not in sent.body.threads


def test_large_bodies_of_v1_are_put_together_by_a_worker(running: Running) -> None:
    sent = SentBody(body=Watched(b'{"instances": []}'.ljust(2 * LARGE)))
    with pytest.raises(HaversackError, match="instances"):
        done(running, V1Predict(running.plane).answer(BLOBS_TARGET, sent))
    assert isinstance(sent.body, Watched)
    assert loop_thread(running) not in sent.body.threads


def test_what_it_takes_to_read_an_avif_header_is_reserved(running: Running) -> None:
    avif = b"\0\0\0\x18ftypavif\0\0\0\0mif1avif".ljust(16 << 20, b"\0")
    with pytest.raises(PhotoError):
        done(running, running.plane.photos.predict(BLOBS_TARGET, PhotoBytes(avif), width))
    budget = running.plane.memory.budget
    assert budget.most_bytes >= 3 * len(avif)
    assert budget.taken_bytes == 0
