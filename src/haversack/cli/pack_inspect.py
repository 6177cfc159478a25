"""`haversack pack inspect`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from rich.table import Table

from haversack.cli.options import find_pack, json_option, packs_option
from haversack.cli.output import console, print_record
from haversack.packfile.archive import PackFiles

_LABELS_SHOWN = 8


@click.command("inspect")
@click.argument("pack")
@packs_option
@json_option
def command(pack: str, repositories: tuple[Path, ...], as_json: bool) -> None:
    """Show what PACK is: task, labels, input, signature, origin and proof.

    PACK is a folder, a .pack file or name[@version].
    """
    files = find_pack(pack, repositories)
    if as_json:
        facts = {"digest": files.digest, "location": str(files.location)}
        print_record({**msgspec.to_builtins(files.manifest), **facts})
        return
    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _rows(files):
        table.add_row(name, value)
    console().print(table)


def _rows(files: PackFiles) -> Iterator[tuple[str, str]]:
    manifest, origin = files.manifest, files.manifest.provenance
    yield "pack", f"{manifest.name}@{manifest.version} ({manifest.task})"
    if manifest.description:
        yield "description", manifest.description
    if manifest.accuracy:
        yield "accuracy", manifest.accuracy
    yield "licence", manifest.licence or "not stated"
    if manifest.labels:
        shown = ", ".join(manifest.labels[:_LABELS_SHOWN])
        more = len(manifest.labels) - _LABELS_SHOWN
        yield "labels", f"{len(manifest.labels)}: {shown}" + (f", {more} more" if more > 0 else "")
    size = manifest.input
    if size is not None:
        how = f"{size.geometry}, {size.kernel} resize" + (" with antialias" * size.antialias)
        yield "input", f"photos as {size.width}x{size.height} {size.channels}, {how}"
    for kind, specs in (
        ("takes", manifest.signature.inputs),
        ("gives", manifest.signature.outputs),
    ):
        yield kind, "\n".join(str(spec) for spec in specs)
    graph = manifest.graph
    if graph is not None:
        yield (
            "detection",
            f"scores from {graph.score_floor:g} up (shown from "
            f"{manifest.defaults.score_threshold:g}), NMS at IoU {graph.nms_iou:g} over "
            f"{graph.candidates} candidates, at most {graph.max_detections} objects",
        )
    yield "made from", f"{origin.source} on {origin.created:%Y-%m-%d} by importer {origin.importer}"
    if origin.parity is not None:
        proof = origin.parity
        yield (
            "proof",
            f"{proof.samples} samples differ from the original by {proof.worst:g} at most "
            f"({proof.tolerance:g} allowed, {proof.rule})",
        )
    yield "digest", files.digest
    yield "location", str(files.location)
