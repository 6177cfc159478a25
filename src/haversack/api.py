"""Haversack from Python: load a pack, ask it, look at the answer."""

from __future__ import annotations

import base64
import html
import io
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from haversack.engine.devices import CPU, Device
from haversack.engine.photo import DEFAULT_LIMIT_BYTES, decode
from haversack.engine.predictor import Predictor, PredictorOptions
from haversack.engine.results import PhotoResult
from haversack.engine.session import Array, SessionOptions
from haversack.errors import EngineError, HaversackError
from haversack.formats.overlay import annotate
from haversack.packfile.archive import open_pack
from haversack.packfile.manifest import Manifest
from haversack.packfile.repository import resolve
from haversack.samples.bundle import BUNDLED_PACKS
from haversack.settings import from_environment
from haversack.units import parse_bytes

Photo: TypeAlias = str | os.PathLike[str] | bytes | NDArray[np.uint8]
_PREVIEW_PX = 800


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction(PhotoResult):
    """One photo's results; in a notebook it shows the photo with what was found."""

    photo: Photo = field(repr=False)
    decode_limit_bytes: int = DEFAULT_LIMIT_BYTES

    def _repr_html_(self) -> str:
        caption = html.escape(f"{self.pack.name}@{self.pack.version}: {self.image or 'image'}")
        try:
            photo = annotate(_pixels(self.photo, self.decode_limit_bytes), self)
        except (HaversackError, OSError) as fault:
            # The file may have gone since, and a notebook must still show its cell.
            return f"<p>{caption} (no preview: {html.escape(str(fault))})</p>"
        photo.thumbnail((_PREVIEW_PX, _PREVIEW_PX))
        buffer = io.BytesIO()
        photo.save(buffer, format="JPEG", quality=85)
        data = base64.b64encode(buffer.getvalue()).decode("ascii")
        return f'<figure><img alt="{caption}" src="data:image/jpeg;base64,{data}">' + (
            f"<figcaption>{caption}</figcaption></figure>"
        )


class Pack:
    """A pack, ready to answer. May be used by several threads at once."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    @property
    def manifest(self) -> Manifest:
        """The pack's manifest: name, version, task, labels, input, signature, provenance."""
        return self._predictor.manifest

    @overload
    def predict(
        self, photo: list[Photo], *, threshold: float | None = None
    ) -> list[Prediction]: ...

    @overload
    def predict(self, photo: Photo, *, threshold: float | None = None) -> Prediction: ...

    def predict(
        self, photo: Photo | list[Photo], *, threshold: float | None = None
    ) -> Prediction | list[Prediction]:
        """What the pack sees.

        Args:
            photo: a path, encoded bytes, or uint8[H,W,3] RGB pixels; a list gives a list.
            threshold: least score, 0 to 1; the pack's default otherwise.

        Raises:
            PhotoError: a photo cannot be read.
            OSError: a file cannot be opened.
            EngineError: `threshold-unfit`; the pack takes tensors (see `run`); the graph failed.
        """
        if isinstance(photo, list):
            return [self.predict(one, threshold=threshold) for one in photo]
        if threshold is None:
            threshold = self.manifest.defaults.score_threshold
        if not 0 <= threshold <= 1:
            raise EngineError(
                "threshold-unfit", f"a threshold from 0 to 1 is needed; received {threshold!r}"
            )
        if isinstance(photo, np.ndarray):
            result = self._predictor.predict_pixels(photo)
        elif isinstance(photo, bytes):
            result = self._predictor.predict(photo)
        else:
            result = self._predictor.predict(Path(photo).read_bytes(), str(photo))
        limit_bytes = self._predictor.decode_limit_bytes
        kept = result.above(threshold)
        values = {one.name: getattr(kept, one.name) for one in fields(PhotoResult)}
        return Prediction(**values, photo=photo, decode_limit_bytes=limit_bytes)

    def run(self, inputs: dict[str, Array]) -> dict[str, Array]:
        """Named tensors in, named tensors out: for packs of task tensor."""
        return self._predictor.run(inputs)

    def __repr__(self) -> str:
        manifest = self.manifest
        return f"<Pack {manifest.name}@{manifest.version}, {manifest.task}>"


def load(
    pack: str | os.PathLike[str],
    *,
    device: Device = CPU,
    threads: int | None = None,
    decode_limit: str | int | None = None,
) -> Pack:
    """A pack by folder, .pack file or name[@version]; see `Pack.predict`.

    Args:
        pack: names are looked up in HAVERSACK_PACKS, ./packs and the user's data folder.
        device: "cpu", "cuda" or "cuda:N"; never another than was asked for.
        threads: of one prediction; None takes the CPUs this process may use.
        decode_limit: memory that decoding one photo may take, such as "512M".

    Raises:
        PackError: not found, or refused by a check.
        EngineError: `device-missing`, `graph-refused`.
    """
    settings = from_environment()
    limit = settings.decode_limit_bytes if decode_limit is None else decode_limit
    limit_bytes = parse_bytes(limit) if isinstance(limit, str) else limit
    if limit_bytes < 1:
        raise HaversackError("size-unreadable", f"a size above 0 is needed; received {limit!r}")
    options = PredictorOptions(
        session=SessionOptions(device=device, threads=threads), decode_limit_bytes=limit_bytes
    )
    places = (*settings.pack_repositories, BUNDLED_PACKS)
    files = open_pack(resolve(os.fspath(pack), places))
    return Pack(Predictor(files, options))


def _pixels(photo: Photo, limit_bytes: int) -> NDArray[np.uint8]:
    if isinstance(photo, np.ndarray):
        return photo
    data = photo if isinstance(photo, bytes) else Path(photo).read_bytes()
    return decode(data, limit_bytes=limit_bytes).pixels


__all__ = ["Pack", "Photo", "Prediction", "load"]
