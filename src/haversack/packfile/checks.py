"""A pack's files against its manifest: the listing, every byte's checksum, every graph."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator
from typing import Final

from haversack.errors import Kind, PackError
from haversack.packfile.files import Files
from haversack.packfile.graphscan import GraphScan, scan
from haversack.packfile.manifest import Manifest
from haversack.packfile.paths import path_fault
from haversack.packfile.rules import FIT_NAME, MANIFEST_NAME, MODEL_NAME, PROFILE_NAME
from haversack.packfile.signature import Signature
from haversack.packfile.signature_checks import check_fit, check_task
from haversack.units import format_bytes

ALLOWED_DOMAINS: Final = frozenset({"", "ai.onnx", "ai.onnx.ml"})
"""Operator domains a graph may use: those every ONNX runtime has."""

TEXT_LIMIT_BYTES = 16 << 20
"""The size of pack.toml, and of profile.toml."""

_CHUNK_BYTES = 1 << 20


class ByteBudget:
    """Counts the bytes really read from a pack; what its headers say is not believed."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._spent_bytes = 0

    def spend(self, count: int) -> None:
        """Count `count` bytes more. Raises PackError `pack-too-large` above the limit."""
        self._spent_bytes += count
        if self._spent_bytes > self._limit_bytes:
            raise PackError(
                "pack-too-large",
                f"the pack holds more than {format_bytes(self._limit_bytes)}, the limit",
                hint="Raise the limit where the pack is known to be this large.",
                kind=Kind.TOO_LARGE,
            )


def chunks(files: Files, name: str, budget: ByteBudget) -> Iterator[bytes]:
    """The bytes of one file in pieces of 1 MiB at most, each counted before it is given."""
    with files.open(name) as stream:
        while piece := stream.read(_CHUNK_BYTES):
            budget.spend(len(piece))
            yield piece


def read_text(files: Files, name: str, budget: ByteBudget) -> bytes:
    """pack.toml or profile.toml, whole. Raises PackError `pack-too-large` above 16 MiB."""
    own = ByteBudget(TEXT_LIMIT_BYTES)
    data = bytearray()
    for piece in chunks(files, name, own):
        budget.spend(len(piece))
        data += piece
    return bytes(data)


def check_files(files: Files, manifest: Manifest, budget: ByteBudget) -> None:
    """Every file listed is there with its checksum, no other is, and each graph is allowed.

    Raises:
        PackError: `pack-file-missing`, `pack-file-unlisted`, `pack-checksum`, `pack-too-large`,
            `graph-unreadable`, `graph-custom-domain`, `graph-external-data`,
            `pack-signature-differs`, `pack-signature-unfit`.
    """
    _check_listing(files, manifest)
    for name, expected in manifest.files.items():
        graph = _check_content(files, name, expected, budget)
        if graph is not None:
            _check_graph(files, manifest, name, graph)
    if PROFILE_NAME in files.names:
        read_text(files, PROFILE_NAME, budget)


def checksum_error(name: str, expected: str, received: str) -> PackError:
    """The refusal of a file that is not the one the manifest names: `pack-checksum`."""
    return PackError(
        "pack-checksum",
        f"{name!r} has the sha256 {received[:12]}..., pack.toml says {expected[:12]}...",
        hint="The file was changed or damaged. Copy the pack again, or import the model again.",
    )


def _check_listing(files: Files, manifest: Manifest) -> None:
    present = set(files.names) - {MANIFEST_NAME, PROFILE_NAME}
    missing = sorted(manifest.files.keys() - present)
    if missing:
        raise PackError(
            "pack-file-missing",
            f"{missing[0]!r} is listed in pack.toml and is not there ({len(missing)} such)",
            hint="Copy the pack again.",
            details=tuple(missing[1:20]),
        )
    unlisted = sorted(present - manifest.files.keys())
    if unlisted:
        raise PackError(
            "pack-file-unlisted",
            f"{unlisted[0]!r} is not listed in pack.toml ({len(unlisted)} such)",
            hint="Take it out of the pack; only profile.toml may lie there unlisted.",
            details=tuple(unlisted[1:20]),
        )


def _check_content(files: Files, name: str, expected: str, budget: ByteBudget) -> GraphScan | None:
    """Compare one file's sha256, in pieces; a graph is read whole, and scanned."""
    is_graph = name.endswith(".onnx")
    content, checksum = bytearray(), hashlib.sha256()
    for piece in chunks(files, name, budget):
        checksum.update(piece)
        if is_graph:
            content += piece
    if checksum.hexdigest() != expected:
        raise checksum_error(name, expected, checksum.hexdigest())
    return scan(memoryview(content)) if is_graph else None


def _check_graph(files: Files, manifest: Manifest, name: str, graph: GraphScan) -> None:
    custom = sorted(graph.domains - ALLOWED_DOMAINS)
    if custom:
        raise PackError(
            "graph-custom-domain",
            f"{name!r} uses operators of {', '.join(map(repr, custom))}; a pack's graphs use "
            "ai.onnx and ai.onnx.ml only",
            hint="Export the model with standard ONNX operators.",
        )
    for location in sorted(graph.external_data):
        _check_external(files, manifest, name, location)
    if name == MODEL_NAME:
        _check_signature(manifest.signature, graph.signature)
        _refuse(name, f"task {manifest.task!r}", check_task(manifest, graph.signature))
    elif name == FIT_NAME:
        _refuse(name, "[input]", check_fit(manifest, graph.signature))


def _check_external(files: Files, manifest: Manifest, name: str, location: str) -> None:
    """Tensors outside the graph's file: only in another listed file of a folder."""
    target = posixpath.join(posixpath.dirname(name), location)
    if path_fault(location) or target not in manifest.files:
        why = "which is no listed file of the pack"
    elif files.path(name) is None:
        why = "which a .pack cannot give; only an unpacked folder can"
    else:
        return
    raise PackError(
        "graph-external-data",
        f"{name!r} keeps tensors in {location!r}, {why}",
        hint="Save the model with its tensors inside the .onnx file.",
    )


def _check_signature(stated: Signature, real: Signature) -> None:
    if stated == real:
        return
    lines = [
        f"{role}: pack.toml says {', '.join(map(str, said)) or 'none'}; "
        f"the graph has {', '.join(map(str, has)) or 'none'}"
        for role, said, has in (
            ("inputs", stated.inputs, real.inputs),
            ("outputs", stated.outputs, real.outputs),
        )
        if said != has
    ]
    raise PackError(
        "pack-signature-differs",
        "model.onnx has not the [signature] of pack.toml",
        hint="Import the model again.",
        details=tuple(lines),
    )


def _refuse(name: str, ruler: str, faults: list[str]) -> None:
    if faults:
        raise PackError(
            "pack-signature-unfit",
            f"{name!r} does not do what {ruler} asks",
            hint="Import the model again, with the right --task.",
            details=tuple(faults),
        )
