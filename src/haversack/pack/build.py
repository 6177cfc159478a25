"""A draft becomes a pack: staged, proved on its own samples, and only then published."""

from __future__ import annotations

import datetime
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from haversack.engine.predictor import Predictor
from haversack.engine.tasks.table import task_of
from haversack.engine.verify import SampleCheck, check_sample, verify
from haversack.errors import ImportRefusedError
from haversack.pack.draft import Draft
from haversack.packfile.archive import PackFiles, open_pack, write_archive
from haversack.packfile.graphscan import scan
from haversack.packfile.manifest import Manifest, Parity, Provenance, SurveyGrid, encode
from haversack.packfile.repository import Repository
from haversack.packfile.signature import Signature
from haversack.packfile.staging import STALE_SECONDS, staging_folder, sweep
from haversack.packfile.tasks.table import TASKS

# On the same pixels only the order of multiplications differs.
_SAME_PIXELS_TOLERANCE = 2e-3
# Tiles of a survey overlap by this share of their side.
_OVERLAP_SHARE = 0.2


@dataclass(frozen=True, kw_only=True)
class PackTarget:
    """Where a pack goes.

    Attributes:
        out: a repository (a folder), or a file whose name ends in .pack.
        version: a whole number as a string, or None for the highest + 1.
    """

    out: Path
    version: str | None = None


@dataclass(frozen=True, kw_only=True)
class Built:
    """A published pack, and the proof: each sample's comparison."""

    path: Path
    manifest: Manifest
    checks: tuple[SampleCheck, ...]


def build(draft: Draft, target: PackTarget, *, now: datetime.datetime) -> Built:
    """Write the draft where the target says, if it proves itself.

    Raises:
        ImportRefusedError: `parity-failed`, with a line a sample; nothing is written then.
        PackError: the format's own checks; an existing version or file.
    """
    # Not in the system's place for temporary files, which may be memory: weights are large.
    is_file = target.out.suffix == ".pack"
    place = _nearest(target.out.parent if is_file else target.out)
    _sweep_above(place, now)
    with staging_folder(place, clock=now.timestamp) as folder:
        # A staging folder is its owner's alone, and copying a folder copies its mode: below it
        # the umask decides, as for everything else that is published.
        staged = folder / "pack"
        staged.mkdir()
        for name, data in draft.files.items():
            path = staged / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        manifest = _manifest(draft, target.version or "1", now)
        files = _write_manifest(staged, manifest)
        predictor = Predictor(files)
        _prove_graph(draft, files, predictor)
        checks = tuple(verify(files, predictor))
        manifest = _proved(manifest, checks)
        if is_file:
            _write_manifest(staged, manifest)
            return Built(path=write_archive(staged, target.out), manifest=manifest, checks=checks)

        def write(place: Path, version: str) -> None:
            shutil.copytree(staged, place, dirs_exist_ok=True)
            _write_manifest(place, msgspec.structs.replace(manifest, version=version))

        path = Repository(target.out).publish(manifest.name, target.version, write)
        published = msgspec.structs.replace(manifest, version=path.name)
        return Built(path=path, manifest=published, checks=checks)


def _nearest(path: Path) -> Path:
    """The folder, or the one above it that is there."""
    path = path.absolute()
    return next(one for one in (path, *path.parents) if one.is_dir())


def _sweep_above(place: Path, now: datetime.datetime) -> None:
    """Before the first pack was there, drafts lay higher: a killed import's still does."""
    for folder in place.parents:
        if not os.access(folder, os.W_OK):
            return
        sweep(folder, before_seconds=now.timestamp() - STALE_SECONDS)


def _write_manifest(folder: Path, manifest: Manifest) -> PackFiles:
    (folder / "pack.toml").write_bytes(encode(manifest))
    return open_pack(folder)


def _prove_graph(draft: Draft, files: PackFiles, predictor: Predictor) -> None:
    """The graph alone, without what two resizes differ by: much closer than the whole may be."""
    for name, expected in draft.same_pixels.items():
        check = check_sample(files, predictor, name, expected)
        if not check.worst <= _SAME_PIXELS_TOLERANCE:
            raise ImportRefusedError(
                "parity-failed",
                f"on the same pixels of sample {name}, the pack and the original model differ by "
                f"{check.worst:.3g}; {_SAME_PIXELS_TOLERANCE:g} is allowed",
                hint="Nothing was written. This is a fault of Haversack's graph: report it with "
                "the model's architecture.",
            )


def _proved(manifest: Manifest, checks: tuple[SampleCheck, ...]) -> Manifest:
    parity = manifest.provenance.parity
    assert parity is not None, "_manifest sets it"
    worst = float(np.max([check.worst for check in checks]))  # NaN stays NaN, unlike in max()
    if not worst <= parity.tolerance:  # NaN is not within it either
        raise ImportRefusedError(
            "parity-failed",
            f"the pack and the original model differ by {worst:.3g} on the samples; "
            f"{parity.tolerance:g} is allowed for {parity.rule}",
            hint="Nothing was written. Compare --head, --channels, --scale, --mean, --std and the "
            "geometry with the model's training; --samples chooses other photos.",
            details=tuple(
                f"sample {c.name}: {c.expected} expected, {c.found} found, worst {c.worst:.3g}"
                for c in checks
            ),
        )
    return _with_parity(manifest, worst=float(f"{worst:.3g}"))


def _manifest(draft: Draft, version: str, now: datetime.datetime) -> Manifest:
    request, recipe = draft.request, draft.request.recipe
    graph = scan(draft.files["model.onnx"])
    survey = None
    if draft.input is not None and TASKS[draft.task].finds_objects:
        overlap = round(draft.input.width * _OVERLAP_SHARE)
        survey = SurveyGrid(tile=draft.input.width, overlap=overlap)
    samples = sum(name.endswith(".expected.npz") for name in draft.files)
    parity = Parity(rule=TASKS[draft.task].parity, samples=samples, worst=0.0, tolerance=0.0)
    manifest = Manifest(
        format=1,
        name=request.name,
        version=version,
        task=draft.task,
        labels=request.labels,
        description=recipe.description,
        licence=request.licence,
        accuracy=request.accuracy,
        input=draft.input,
        signature=Signature(inputs=graph.inputs, outputs=graph.outputs),
        survey=survey,
        defaults=recipe.defaults,
        graph=draft.graph,
        provenance=Provenance(
            source=draft.origin.source,
            sha256=draft.origin.sha256,
            importer=draft.origin.importer,
            preset=request.preset,
            options=request.options,
            created=now,
            parity=parity,
        ),
        files={name: hashlib.sha256(data).hexdigest() for name, data in draft.files.items()},
    )
    return _with_parity(manifest, tolerance=task_of(manifest).tolerance)


def _with_parity(manifest: Manifest, **known: float) -> Manifest:
    origin = manifest.provenance
    assert origin.parity is not None, "_manifest sets it"
    proof = msgspec.structs.replace(origin.parity, **known)
    return msgspec.structs.replace(
        manifest, provenance=msgspec.structs.replace(origin, parity=proof)
    )
