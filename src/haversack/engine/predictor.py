"""The stages composed: a photo's bytes -> pixels -> fit -> model -> one photo's results."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from haversack.engine.devices import CPU
from haversack.engine.fitted import Fitted
from haversack.engine.ort import open_session
from haversack.engine.photo import DEFAULT_LIMIT_BYTES, DecodedPhoto, PhotoHeader, decode
from haversack.engine.results import PhotoResult, identity_of
from haversack.engine.session import Array, SessionOpener, SessionOptions
from haversack.engine.tasks.table import task_of
from haversack.engine.tasks.task import TaskOutcome
from haversack.errors import EngineError, PhotoError
from haversack.packfile.archive import PackFiles
from haversack.packfile.manifest import InputGeometry
from haversack.units import format_bytes


@dataclass(frozen=True, kw_only=True)
class PredictorOptions:
    """How a pack is run.

    Attributes:
        session: device and threads.
        decode_limit_bytes: of memory that decoding one photo may take, estimated beforehand.
    """

    session: SessionOptions = field(default_factory=SessionOptions)
    decode_limit_bytes: int = DEFAULT_LIMIT_BYTES


class Predictor:
    """One pack, ready to answer.

    Promises: every method may be called by several threads at once, keeps nothing between calls
    and gives the same answer for the same bytes, alone or in a batch.
    """

    def __init__(
        self,
        files: PackFiles,
        options: PredictorOptions | None = None,
        opener: SessionOpener = open_session,
    ) -> None:
        self._options = options or PredictorOptions()
        self.manifest = files.manifest
        self.digest = files.digest
        self.identity = identity_of(files.manifest)
        self.task = task_of(files.manifest)
        fitting = fit_session(self._options.session)
        photos = files.manifest.takes_photos
        self._fit = opener(_graph(files, "fit.onnx"), fitting) if photos else None
        self._model = opener(_graph(files, "model.onnx"), self._options.session)
        self.batches = files.manifest.signature.takes_batches

    @property
    def decode_limit_bytes(self) -> int:
        """Of memory that decoding one photo may take."""
        return self._options.decode_limit_bytes

    @property
    def takes_photos(self) -> bool:
        """Whether the pack understands photos; otherwise it takes named tensors."""
        return self._fit is not None

    def warm(self) -> None:
        """Run once on a blank frame, so that the first caller does not pay for it."""
        size = self.manifest.input
        if size is not None:
            blank = np.zeros((size.height, size.width, 3), dtype=np.uint8)
            self.predict_pixels(blank)

    def decode(self, data: bytes, header: PhotoHeader | None = None) -> DecodedPhoto:
        """The photo in `data`, upright, perhaps smaller: see `engine.photo.decode`."""
        limit = self._options.decode_limit_bytes
        return decode(data, header, limit_bytes=limit, target=self.manifest.input)

    def predict(self, data: bytes, name: str = "") -> PhotoResult:
        """The results of one encoded photo, every score from the graph's floor up.

        Raises:
            PhotoError: the photo cannot be read.
            EngineError: the pack takes no photos, or the graph failed.
        """
        started = time.perf_counter()
        image = self.decode(data)
        decoded = time.perf_counter()
        fitted = self.fit(image)
        del image  # a large photo need not live through the model
        outcome = self.infer([fitted])[0]
        timing = {
            "decode_seconds": decoded - started,
            "model_seconds": time.perf_counter() - decoded,
        }
        return self._result(fitted, outcome, name, timing)

    def predict_pixels(self, pixels: NDArray[np.uint8], name: str = "") -> PhotoResult:
        """The results of uint8[H,W,3] RGB pixels, upright."""
        started = time.perf_counter()
        pixels = _checked(pixels)
        height, width = pixels.shape[:2]
        image = DecodedPhoto(pixels=pixels, width=width, height=height, shrink=1, format="array")
        fitted = self.fit(image)
        outcome = self.infer([fitted])[0]
        return self._result(fitted, outcome, name, {"model_seconds": time.perf_counter() - started})

    def fit(self, image: DecodedPhoto) -> Fitted:
        """The photo in the network's frame, through fit.onnx.

        A photo of exactly the network's size goes through as it is: fit would copy it.
        """
        wanted = self.manifest.input
        if self._fit is None or wanted is None:
            raise EngineError(
                "pack-takes-tensors",
                f"{self.identity.name} takes named tensors and a photo was given",
                hint="Give an .npz file, or a dict of arrays, with the inputs that "
                "`haversack pack inspect` prints.",
            )
        height, width = image.pixels.shape[:2]
        self._check_crop(wanted, width, height)
        if (width, height) == (wanted.width, wanted.height) and wanted.crop == 1:
            pixels, placement = image.pixels, np.array([1, 1, 0, 0], dtype=np.float32)
        else:
            fitted = self._fit.run({"image": image.pixels})
            pixels, placement = fitted["pixels"], fitted["placement"]
        decoded = np.array([*image.scale, 1, 1], dtype=np.float32)
        return Fitted(
            pixels=pixels,
            placement=placement * decoded,
            width=image.width,
            height=image.height,
        )

    def _check_crop(self, wanted: InputGeometry, width: int, height: int) -> None:
        """Refuse a sliver whose shorter side would be enlarged to the frame: 9000 x 1 to 2 M x 224.

        The resize happens before the cut, so its size is the frame's times the photo's shape.
        """
        if wanted.geometry != "crop":
            return
        grown = max(wanted.width / width, wanted.height / height) / wanted.crop
        need = round(grown * width) * round(grown * height) * 3
        if need > self._options.decode_limit_bytes:
            raise PhotoError(
                "image-shape-unfit",
                f"resizing a photo of {width} x {height} pixels until its shorter side fills the "
                f"frame would take {format_bytes(need)}; the limit is "
                f"{format_bytes(self._options.decode_limit_bytes)}",
                hint="Cut the photo to a shape nearer to a square.",
            )

    def infer(self, photos: Sequence[Fitted]) -> list[TaskOutcome]:
        """What the model says of each photo, in their order.

        One call of the graph where it takes any number of photos, else one call a photo.
        """
        if not photos:
            return []
        if not self.batches and len(photos) > 1:
            return [outcome for photo in photos for outcome in self.infer([photo])]
        rows = self._model.run(
            {
                "pixels": np.stack([photo.pixels for photo in photos])
                if len(photos) > 1
                else photos[0].pixels[None],
                "placement": np.stack([photo.placement for photo in photos]),
            }
        )
        limit_bytes = self._options.decode_limit_bytes
        return [
            self.task.outcome({name: values[i] for name, values in rows.items()}, one, limit_bytes)
            for i, one in enumerate(photos)
        ]

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Named tensors in, the model's named outputs out, as they are.

        Raises:
            EngineError: `run-failed` where names, datatypes or shapes do not fit the signature.
        """
        return self._model.run(inputs)

    def run_as_result(self, inputs: Mapping[str, Array], name: str = "") -> PhotoResult:
        """The same as a result that a record, a table or a person can be given."""
        outcome = self.task.outcome(self.run(inputs), None, self._options.decode_limit_bytes)
        return PhotoResult(image=name, width=0, height=0, pack=self.identity, outcome=outcome)

    def _result(
        self, fitted: Fitted, outcome: TaskOutcome, name: str, timing: dict[str, float]
    ) -> PhotoResult:
        return PhotoResult(
            image=name,
            width=fitted.width,
            height=fitted.height,
            pack=self.identity,
            outcome=outcome,
            timing=timing,
        )


def fit_session(session: SessionOptions) -> SessionOptions:
    """How fit.onnx is run, where the model is run so: always on the CPU.

    ONNX Runtime 1.31 resizes uint8[1,H,W,3] wrongly on CUDA, without a word: nearly every pixel
    differed from the CPU's, by up to 239 levels. Where it was right, its pixels would go up, come
    back and go up again. fit's threads must not spin on the CPUs that the model needs next: with
    two CPUs a photo took 60 ms so, and 30 ms without.
    """
    return replace(session, device=CPU, spin_between_calls=False)


def _graph(files: PackFiles, name: str) -> bytes | Path:
    return files.path(name) or files.read(name)


def _checked(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
        raise EngineError(
            "pixels-unfit",
            f"uint8[H,W,3] RGB pixels were expected, received {pixels.dtype}{list(pixels.shape)}",
            hint="Convert with `numpy.asarray(image.convert('RGB'))`.",
        )
    return np.ascontiguousarray(pixels)
