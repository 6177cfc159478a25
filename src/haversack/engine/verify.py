"""Replay a pack's samples and compare with what the original model said of them."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haversack.engine.boxes import iou
from haversack.engine.detections import Detections
from haversack.engine.predictor import Predictor
from haversack.engine.results import LabelMap, Probabilities, Tensors
from haversack.engine.session import Array
from haversack.errors import EngineError, Kind, PackError
from haversack.packfile.archive import PackFiles
from haversack.units import format_bytes

ARRAYS_LIMIT_BYTES = 1 << 30
# What zipfile, zlib and numpy raise for bytes that are no .npz, or a forged one.
_NPZ_FAULTS = (
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    OSError,
    RuntimeError,
    MemoryError,
    OverflowError,
    zipfile.BadZipFile,
    zlib.error,
)
# Two boxes are the same object from here up.
_SAME_OBJECT_IOU = 0.5


@dataclass(frozen=True, kw_only=True)
class SampleCheck:
    """One sample's comparison.

    Attributes:
        name: of the sample in the pack.
        expected, found: how many objects (detect), else how many values were compared.
        worst: the largest difference under the pack's rule.
    """

    name: str
    expected: int
    found: int
    worst: float


def verify(files: PackFiles, predictor: Predictor) -> list[SampleCheck]:
    """Each sample's difference under the manifest's parity rule, in the samples' order.

    Raises:
        PackError: `pack-without-samples` where there is nothing to replay.
    """
    parity = files.manifest.provenance.parity
    names = sample_names(files)
    if not names or parity is None:
        raise PackError(
            "pack-without-samples",
            f"{files.manifest.name} holds no samples to replay",
            hint="Import the model again with --samples, so that the pack can prove itself.",
            kind=Kind.NOT_FOUND,
        )
    return [check_sample(files, predictor, name) for name in names]


def sample_names(files: PackFiles) -> list[str]:
    """The samples' names, sorted: "001" for samples/001.expected.npz."""
    suffix = ".expected.npz"
    return sorted(
        name.removeprefix("samples/").removesuffix(suffix)
        for name in files.names
        if name.startswith("samples/") and name.endswith(suffix)
    )


def check_sample(
    files: PackFiles,
    predictor: Predictor,
    name: str,
    expected: Mapping[str, Array] | None = None,
) -> SampleCheck:
    """Run one sample and compare it with what is expected: by default, what the pack keeps."""
    if expected is None:
        expected = read_arrays(files.read(f"samples/{name}.expected.npz"))
    try:
        return _check(files, predictor, name, expected)
    except (KeyError, IndexError, ValueError, TypeError) as fault:
        raise PackError(
            "pack-sample-invalid",
            f"sample {name} does not hold what task {files.manifest.task} gives: {fault!r}",
            hint="Import the model again.",
        ) from fault


def _check(
    files: PackFiles, predictor: Predictor, name: str, expected: Mapping[str, Array]
) -> SampleCheck:
    if not predictor.takes_photos:
        inputs = read_arrays(files.read(f"samples/{name}.inputs.npz"))
        return compare_tensors(name, predictor.run(inputs), expected)
    outcome = predictor.predict(files.read(f"samples/{name}.png")).outcome
    match outcome:
        case Detections():
            threshold = files.manifest.defaults.score_threshold
            return compare_boxes(name, outcome, expected, threshold=threshold)
        case Probabilities(values=values):
            return compare_probabilities(name, values, expected["probabilities"])
        case LabelMap(class_ids=class_ids):
            return compare_labels(name, class_ids, expected["labels"])
        case Tensors(arrays=arrays):
            return compare_tensors(name, arrays, expected)
        case None:
            raise AssertionError("a predictor gives an outcome or raises")


def compare_probabilities(
    name: str, found: NDArray[np.float32], expected: NDArray[np.float32]
) -> SampleCheck:
    """The largest difference of any class."""
    if found.shape != expected.shape:
        return SampleCheck(name=name, expected=expected.size, found=found.size, worst=1.0)
    worst = _largest([float(np.abs(found - expected).max())])
    return SampleCheck(name=name, expected=expected.size, found=found.size, worst=worst)


def compare_boxes(
    name: str, found: Detections, expected: Mapping[str, Array], *, threshold: float
) -> SampleCheck:
    """The worst of score and edge differences over objects that either side sees.

    Each object of at least `threshold` on one side is matched with the best box of its class on
    the other, whatever that one's score. Scores differ as they are, edges as a share of the longer
    side of everything expected; an object without a partner counts with its whole score.
    """
    theirs = Detections(
        boxes=expected["boxes"].astype(np.float32),
        scores=expected["scores"].astype(np.float32),
        class_ids=expected["classes"].astype(np.int64),
        candidates=len(expected["scores"]),
        truncated=False,
    )
    extent = float(expected["size"].max())
    worst = _largest(
        [_one_way(theirs, found, threshold, extent), _one_way(found, theirs, threshold, extent)]
    )
    return SampleCheck(
        name=name,
        expected=int((theirs.scores >= threshold).sum()),
        found=int((found.scores >= threshold).sum()),
        worst=worst,
    )


def _one_way(seen: Detections, other: Detections, threshold: float, extent: float) -> float:
    differences = [0.0]
    sure = seen.above(threshold)
    overlaps = iou(sure.boxes, other.boxes)
    for i, (box, score, class_id) in enumerate(
        zip(sure.boxes, sure.scores, sure.class_ids, strict=True)
    ):
        shared = np.where(other.class_ids == class_id, overlaps[i], 0)
        best = int(shared.argmax()) if shared.size else -1
        if best < 0 or shared[best] < _SAME_OBJECT_IOU:
            differences.append(float(score))
            continue
        differences.append(float(np.abs(box - other.boxes[best]).max()) / extent)
        differences.append(abs(float(score - other.scores[best])))
    return _largest(differences)


def compare_labels(name: str, found: NDArray[np.uint8], expected: NDArray[np.uint8]) -> SampleCheck:
    """The share of pixels whose class differs."""
    if found.shape != expected.shape:
        return SampleCheck(name=name, expected=expected.size, found=found.size, worst=1.0)
    worst = float((found != expected).mean())
    return SampleCheck(name=name, expected=expected.size, found=found.size, worst=worst)


def compare_tensors(
    name: str, found: Mapping[str, Array], expected: Mapping[str, Array]
) -> SampleCheck:
    """The largest difference of any value, as a share of that output's largest value."""
    differences, count = [0.0], 0
    for output, wanted in expected.items():
        got = found.get(output)
        if got is None or got.shape != wanted.shape:
            return SampleCheck(name=name, expected=wanted.size, found=0, worst=1.0)
        count += wanted.size
        if wanted.size and wanted.dtype.kind in "fiub":
            ours, theirs = got.astype(np.float64), wanted.astype(np.float64)
            size = float(np.abs(theirs).max()) or 1.0
            differences.append(float(np.abs(ours - theirs).max()) / size)
        elif wanted.size:
            differences.append(float((got != wanted).mean()))
    worst = _largest(differences)
    return SampleCheck(name=name, expected=count, found=count, worst=worst)


def _largest(differences: Sequence[float]) -> float:
    """The largest, where a NaN is larger than anything: max() would pass over it."""
    return math.inf if any(map(math.isnan, differences)) else max(differences)


def read_arrays(data: bytes, *, limit_bytes: int = ARRAYS_LIMIT_BYTES) -> dict[str, Array]:
    """The arrays of an .npz file; object arrays, which could run code, are refused.

    Raises:
        EngineError: `file-not-npz`, also for one that would unpack to more than the limit.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as members:
            unpacked_bytes = sum(member.file_size for member in members.infolist())
        if unpacked_bytes > limit_bytes:
            raise _no_npz(f"it unpacks to {format_bytes(unpacked_bytes)}, over the limit")
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: np.asarray(archive[name]) for name in archive.files}
    except _NPZ_FAULTS as fault:
        raise _no_npz(type(fault).__name__) from fault


def _no_npz(reason: str) -> EngineError:
    return EngineError(
        "file-not-npz",
        f"this is no .npz file of plain arrays ({reason})",
        hint="Save the arrays by name with numpy.savez.",
    )
