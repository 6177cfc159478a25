"""One encoded picture on its way to a model: the memory that it needs, the network's frame."""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from haversack.engine.image import read_header, shrink_factor
from haversack.engine.predictor import Fitted
from haversack.errors import ImageError
from haversack.serve.model import ServedModel

Encoded = bytes | memoryview | mmap.mmap
"""The bytes of a picture's file, wherever they lie."""


class Picture(Protocol):
    """An encoded picture, in memory or on disk."""

    @property
    def size_bytes(self) -> int:
        """Of the encoded bytes."""
        ...

    def view(self) -> Encoded:
        """All of them, without a copy."""
        ...

    def read(self) -> bytes:
        """All of them, in memory."""
        ...

    def keep(self) -> Callable[[], None]:
        """Have them stay there, also where their owner closes them; see `Keepable`."""
        ...


class PictureBytes:
    """A `Picture` that is in memory already, or mapped."""

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

    def keep(self) -> Callable[[], None]:
        """Nothing to do: who reads bytes or a mapping holds them by that."""
        return lambda: None


@dataclass(frozen=True, kw_only=True)
class Read:
    """A picture in the network's frame, and how long it took to get there."""

    fitted: Fitted
    seconds: float


# The map, its PNG, and that in base64: each at most a byte a pixel, the last a third more.
_MAP_BYTES = 4


def after_bytes(model: ServedModel, photo_pixels: int) -> int:
    """What a decoded photo still takes: the network's frame, and a map as large as the photo."""
    size = model.manifest.input
    frame = 3 * size.width * size.height if size is not None else 0
    return frame + _MAP_BYTES * photo_pixels * (model.identity.task == "label-map")


def need_bytes(model: ServedModel, picture: Picture) -> int:
    """The larger of what decoding takes and what follows. Raises ImageError."""
    header = read_header(picture.view())  # type: ignore[arg-type]  # a mapping reads like bytes
    shrink = shrink_factor(header, model.manifest.input)
    decoding = header.estimate_bytes(shrink) + picture.size_bytes
    return max(decoding, after_bytes(model, header.width * header.height))


def decode_and_fit(model: ServedModel, picture: Picture) -> Fitted:
    """The picture in the network's frame. Raises ImageError, EngineError."""
    return model.predictor.fit(model.predictor.decode(picture.read()))


def need_if_read(model: ServedModel, picture: Picture) -> int:
    """As `need_bytes`; nothing where there is no header: then nothing will be decoded either."""
    try:
        return need_bytes(model, picture)
    except ImageError:
        return 0


def read_one(model: ServedModel, picture: Picture) -> Read:
    """As `decode_and_fit`, with its time."""
    began = time.perf_counter()
    fitted = decode_and_fit(model, picture)
    return Read(fitted=fitted, seconds=time.perf_counter() - began)
