"""Label map: a class for each pixel of the photo."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from haversack.engine.codecs.png import png_bytes
from haversack.engine.detections import label_of
from haversack.engine.fitted import Fitted
from haversack.engine.labelmap import to_photo
from haversack.engine.session import Array
from haversack.engine.tasks.plain import PhotoTask, PlainOutcome
from haversack.engine.tasks.task import (
    CAPTION_LINES,
    Cell,
    Difference,
    Marks,
    TaskOutcome,
)
from haversack.errors import Kind, PhotoError
from haversack.packfile.signature import Signature, TensorSpec
from haversack.units import format_bytes

BACKGROUND = "background"
_ROWS_COUNTED = 64
# The map, its PNG, and that in base64: each at most a byte a pixel, the last a third more.
_ANSWER_BYTES = 4
# The map, and the rows of it that it is put together from.
_MAKING_BYTES = 2


@dataclass(frozen=True, kw_only=True)
class LabelMap(PlainOutcome):
    """uint8[height,width]: a class for each pixel of the upright photo. A `TaskOutcome`."""

    class_ids: NDArray[np.uint8]

    def fields(
        self, labels: tuple[str, ...], size: tuple[int, int], *, with_map: bool
    ) -> dict[str, Any]:
        """`legend`, and the pixels as a PNG in base64 where they are wanted."""
        fields: dict[str, Any] = {"legend": list(self.rows(labels))}
        if with_map:
            fields["map"] = base64.b64encode(png_bytes(self.class_ids)).decode("ascii")
        return fields

    def arrays(self, signature: Signature) -> dict[str, Array]:
        """The map, of the photo's size and not the network's."""
        return {"labels": self.class_ids[None]}

    def rows(self, labels: tuple[str, ...]) -> Iterator[dict[str, Cell]]:
        """One a class in the map, with its pixels, largest first."""
        counts = np.zeros(256, dtype=np.int64)
        for row in range(0, len(self.class_ids), _ROWS_COUNTED):
            # bincount makes eight bytes of each pixel: a block of rows at a time.
            block = self.class_ids[row : row + _ROWS_COUNTED].reshape(-1)
            counts += np.bincount(block, minlength=256)
        for i in sorted(np.flatnonzero(counts).tolist(), key=lambda i: (-counts[i], i)):
            yield {"label": label_of(labels, i), "class_id": i, "pixels": int(counts[i])}

    def lines(self, labels: tuple[str, ...]) -> Iterator[str]:
        """Share and name of each class."""
        for row in self.rows(labels):
            yield f"{int(row['pixels']) / self.class_ids.size:5.1%}  {row['label']}"

    def marks(self, labels: tuple[str, ...]) -> Marks:
        """A tint, but for the background, and its legend."""
        pixels = max(1, self.class_ids.size)
        lines = (
            (int(row["class_id"]), f"{row['label']} {100 * (int(row['pixels']) / pixels):.1f} %")
            for row in self.rows(labels)
        )
        return Marks(
            class_ids=self.class_ids,
            clear_class=labels.index(BACKGROUND) if BACKGROUND in labels else None,
            caption=tuple(lines)[:CAPTION_LINES],
        )

    def difference(self, expected: Mapping[str, Array], *, threshold: float) -> Difference:
        """The share of pixels whose class differs."""
        theirs, worst = expected["labels"], 1.0
        if self.class_ids.shape == theirs.shape:
            worst = float((self.class_ids != theirs).mean())
        return Difference(expected=theirs.size, found=self.class_ids.size, worst=worst)


class LabelMapTask(PhotoTask):
    """See `Task`."""

    name = "label-map"
    columns: tuple[str, ...] = ("label", "class_id", "pixels")
    renders_slowly = True  # an image as large as the photo

    def outcome(
        self, row: Mapping[str, Array], photo: Fitted | None, limit_bytes: int
    ) -> TaskOutcome:
        """The map in the photo's full size, also where the photo was decoded smaller."""
        assert photo is not None, "a pack that maps takes photos"
        need = _MAKING_BYTES * photo.width * photo.height
        if need > limit_bytes:
            raise PhotoError(
                "image-too-large",
                f"a label map on this photo of {photo.width} x {photo.height} pixels takes "
                f"{format_bytes(need)}; the limit is {format_bytes(limit_bytes)}",
                hint="Send a smaller copy, or raise the limit with --decode-limit "
                "or HAVERSACK_DECODE_LIMIT.",
                kind=Kind.TOO_LARGE,
            )
        size = (photo.width, photo.height)
        return LabelMap(class_ids=to_photo(row["labels"], photo.placement, size))

    def shown(self, signature: Signature) -> Signature:
        """A photo in, a map of any size out."""
        shown = super().shown(signature)
        outputs = tuple(
            TensorSpec(name=spec.name, datatype=spec.datatype, shape=(1, -1, -1))
            for spec in shown.outputs
        )
        return msgspec.structs.replace(shown, outputs=outputs)

    def answer_bytes(self, photo_pixels: int) -> int:
        """A map as large as the photo, and what is written of it."""
        return _ANSWER_BYTES * photo_pixels
