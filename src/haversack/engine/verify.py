"""Replay a pack's samples and compare with what the original model said of them."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from haversack.engine.predictor import Predictor
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
    if predictor.takes_photos:
        result = predictor.predict(files.read(f"samples/{name}.png"))
    else:
        result = predictor.run_as_result(read_arrays(files.read(f"samples/{name}.inputs.npz")))
    assert result.outcome is not None, "a predictor gives an outcome or raises"
    threshold = files.manifest.defaults.score_threshold
    told = result.outcome.difference(expected, threshold=threshold)
    return SampleCheck(name=name, expected=told.expected, found=told.found, worst=told.worst)


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
