"""One encoded photo on its way to a model: the memory that it needs, the network's frame."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from haversack.engine.fitted import Fitted
from haversack.engine.photo import Encoded, PhotoHeader, read_header, scan_bytes, shrink_factor
from haversack.errors import PhotoError
from haversack.serve.models.model import ServedModel


class EncodedPhoto(Protocol):
    """An encoded photo, in memory or on disk."""

    @property
    def size_bytes(self) -> int:
        """Of the encoded bytes."""
        ...

    def view(self) -> Encoded:
        """All of them. What arrived in pieces is put together by the first call."""
        ...

    def read(self) -> bytes:
        """All of them, in memory."""
        ...

    def retain(self) -> Callable[[], None]:
        """Keep them there, also where their owner closes them; see `Retainable`."""
        ...


class PhotoBytes:
    """An `EncodedPhoto` that is in memory already, or mapped."""

    def __init__(self, data: Encoded) -> None:
        self._data = data

    @property
    def size_bytes(self) -> int:
        """Of the encoded bytes."""
        return len(self._data)

    def view(self) -> Encoded:
        """All of them."""
        return self._data

    def read(self) -> bytes:
        """All of them, in memory."""
        return self._data if isinstance(self._data, bytes) else bytes(self._data[:])

    def retain(self) -> Callable[[], None]:
        """Nothing to do: who reads bytes or a mapping holds them by that."""
        return lambda: None


@dataclass(frozen=True, kw_only=True)
class Read:
    """A photo in the network's frame, and how long it took to get there."""

    fitted: Fitted
    seconds: float


def after_bytes(model: ServedModel, photo_pixels: int) -> int:
    """What a decoded photo still takes: the network's frame, and the answer."""
    size = model.manifest.input
    frame = 3 * size.width * size.height if size is not None else 0
    return frame + model.predictor.task.answer_bytes(photo_pixels)


def header_if_free(photo: EncodedPhoto) -> PhotoHeader | int:
    """What the photo's first bytes say, or how much memory in bytes it takes to read that.

    Raises PhotoError.
    """
    data = photo.view()
    return scan_bytes(data) or read_header(data)


def header_of(photo: EncodedPhoto) -> PhotoHeader:
    """What the photo's first bytes say. Raises PhotoError."""
    return read_header(photo.view())


def need_bytes(model: ServedModel, photo: EncodedPhoto, header: PhotoHeader) -> int:
    """The larger of what decoding takes and what follows."""
    shrink = shrink_factor(header, model.manifest.input)
    decoding = header.estimate_bytes(shrink) + photo.size_bytes
    return max(decoding, after_bytes(model, header.width * header.height))


def need_if_read(model: ServedModel, photo: EncodedPhoto, header: PhotoHeader | PhotoError) -> int:
    """As `need_bytes`; nothing where there is no header: then nothing will be decoded either."""
    return 0 if isinstance(header, PhotoError) else need_bytes(model, photo, header)


def decode_and_fit(model: ServedModel, photo: EncodedPhoto, header: PhotoHeader) -> Fitted:
    """The photo in the network's frame. Raises PhotoError, EngineError."""
    return model.predictor.fit(model.predictor.decode(photo.read(), header))


def read_one(model: ServedModel, photo: EncodedPhoto, header: PhotoHeader | PhotoError) -> Read:
    """As `decode_and_fit`, with its time. Raises the error that is there instead of a header."""
    if isinstance(header, PhotoError):
        raise header
    began = time.perf_counter()
    fitted = decode_and_fit(model, photo, header)
    return Read(fitted=fitted, seconds=time.perf_counter() - began)
