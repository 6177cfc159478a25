"""V2 inference: from the bytes of a body to the bytes of its answer.

Source: KServe Open Inference Protocol, REST, 2025-05.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial

import numpy as np

from haversack.engine.results import PhotoResult
from haversack.engine.session import Array
from haversack.engine.tensors import check
from haversack.packfile.manifest import Manifest
from haversack.packfile.signature import Signature
from haversack.serve.models.model import ServedModel, Takes
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.encoded_photo import EncodedPhoto, PhotoBytes
from haversack.serve.plane.headers import HERE_BYTES
from haversack.serve.plane.request_lifetime import RequestLifetime
from haversack.serve.plane.visits import Target
from haversack.serve.protocols.answering import Answer, SentBody
from haversack.serve.protocols.checks import invalid
from haversack.serve.protocols.v2_answer import render
from haversack.serve.protocols.v2_request import InferRequest, header_length, parse, wants_binary

_PLAIN_BYTES = 4 << 20


class V2Infer:
    """See `Answering`."""

    route = "v2"

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    async def check(self, manifest: Manifest, sent: SentBody) -> None:
        """Whether it is V2's JSON or binary form, and its tensors are the pack's."""
        takes = Takes.of(manifest)
        async with self._parsed(takes, sent, self._plane.lifetime()) as asked:
            if not takes.photos:
                check(manifest.signature, asked.inputs)
            else:
                _only_input(asked)

    async def answer(self, target: Target, sent: SentBody) -> Answer:
        """V2's JSON, with binary tensors behind it where they were asked for."""
        lifetime = self._plane.lifetime()
        async with self._plane.present(target, lifetime) as model:
            takes = model.takes
        del model  # a swap waits until nobody holds it
        async with self._parsed(takes, sent, lifetime) as asked:
            if asked.timeout_seconds is not None:
                lifetime.limit(asked.timeout_seconds)
            if takes.photos:
                return await self._predict_photo(target, asked, lifetime)
            arrays, pack = await self._plane.tensors.infer(target, asked.inputs, lifetime)
            made = render(asked, arrays, pack)
            return Answer(content=made.content, version=pack.version, json_bytes=made.json_bytes)

    def _parsed(
        self, takes: Takes, sent: SentBody, lifetime: RequestLifetime
    ) -> AbstractAsyncContextManager[InferRequest]:
        size = sent.body.size_bytes
        json_bytes = header_length(sent.header_length, size)
        if not size:
            raise invalid("the request has no body")
        lifetime.reads(sent.body)
        read = _read_job if sent.is_job else _read
        work = partial(read, sent.body, json_bytes, takes.signature)
        text_bytes = size if json_bytes is None else json_bytes
        is_light = size <= HERE_BYTES or (not takes.photos and is_plain(sent.body, text_bytes))
        return self._plane.parsing.parsed(work, text_bytes, lifetime, is_light=is_light)

    async def _predict_photo(
        self, target: Target, asked: InferRequest, lifetime: RequestLifetime
    ) -> Answer:
        """One photo, under whatever name it came."""
        name, array = _only_input(asked)

        def answer(result: PhotoResult, model: ServedModel) -> Answer:
            assert result.outcome is not None
            arrays = result.outcome.arrays(model.manifest.signature)
            made = render(asked, arrays, model.identity)
            version = model.identity.version
            return Answer(content=made.content, version=version, json_bytes=made.json_bytes)

        if array.dtype.kind == "O" and array.size == 1:
            photo = PhotoBytes(array.reshape(-1)[0])
            return await self._plane.photos.predict(target, photo, answer, lifetime)
        return await self._plane.photos.predict_pixels(
            target, _pixels(name, array), answer, lifetime
        )


def is_plain(body: EncodedPhoto, json_bytes: int) -> bool:
    """Whether what is behind the JSON is numbers, which are looked at as they lie there.

    A thread for them costs more than they do: 600 KB took 1.3 times as long. BYTES are taken apart
    one by one; a word with an escape may be any.
    """
    if not 0 < json_bytes <= HERE_BYTES or body.size_bytes > _PLAIN_BYTES:
        return False
    head = bytes(memoryview(body.view())[:json_bytes])
    return b"BYTES" not in head and b"\\" not in head


def _read(body: EncodedPhoto, json_bytes: int | None, signature: Signature) -> InferRequest:
    # Pieces become one here, on the thread that parses, which is not the loop's for a large body.
    return parse(memoryview(body.view()), json_bytes, signature)


def _read_job(body: EncodedPhoto, json_bytes: int | None, signature: Signature) -> InferRequest:
    """As `parse`, for a result in JSON that nobody waits for.

    A raw request says nothing of its outputs: it gets JSON. One that asks for bytes is refused.
    """
    asked = replace(_read(body, json_bytes, signature), timeout_seconds=None)
    if json_bytes == 0:
        return replace(asked, is_binary=False)
    if wants_binary(asked):
        raise invalid(
            "a job's result is JSON, and the request asks for binary outputs (binary_data_output, "
            "or an output's binary_data)",
            "Leave them out, or send the request without `Prefer: respond-async`.",
        )
    return asked


def _only_input(asked: InferRequest) -> tuple[str, Array]:
    if len(asked.inputs) != 1:
        raise invalid(f"the model takes one input, image; received {len(asked.inputs)}")
    ((name, array),) = asked.inputs.items()
    return name, array


def _pixels(name: str, array: Array) -> Array:
    pixels = array[0] if array.ndim == 4 and len(array) == 1 else array
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise invalid(
            f"input {name[:64]!r} is {array.dtype}{list(array.shape)}; a photo is BYTES [1], an "
            "encoded JPEG or PNG, or UINT8 [height, width, 3]"
        )
    return pixels
