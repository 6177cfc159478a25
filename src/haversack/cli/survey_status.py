"""`haversack survey status`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from haversack.cli.options import json_option
from haversack.cli.output import console, print_record
from haversack.engine.detections import label_of
from haversack.formats.photos import Speed
from haversack.survey.run.facts import current_merge, speed, total
from haversack.survey.run.options import MergeTable, RunRecord, as_text, read_record
from haversack.survey.run.store import Failure, RunStore, StatusCount
from haversack.units import format_seconds

_FAILURES_SHOWN = 20
_ORDER = ("done", "partial", "failed", "vanished", "queued")


@click.command("status")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--all", "show_all", is_flag=True, help="Every photo that is not whole, not only 20.")
@json_option
def command(run: Path, show_all: bool, as_json: bool) -> None:
    """Say how far RUN is, what was found, and which photos are not whole; also while it works."""
    record = read_record(run)
    with RunStore(run, write=False) as store:
        counts = store.counts()
        classes = store.found_by_class()
        failures = store.failures()
        merge = current_merge(record, store)
        fast = speed(record, store)
    labels = record.pack.labels
    if as_json:
        found = {label_of(labels, key): number for key, (number, _) in classes.items()}
        print_record(_facts(record, merge, counts) | {"objects": found} | _ends(failures, fast))
        return
    _print_counts(counts, fast)
    _print_classes({label_of(labels, key): both for key, both in classes.items()})
    _print_settings(as_text(record, merge))
    _print_failures(failures if show_all else failures[:_FAILURES_SHOWN], len(failures))


def _facts(record: RunRecord, merge: MergeTable, counts: dict[str, StatusCount]) -> dict[str, Any]:
    fields = ("tiles", "tiles_skipped", "tiles_missing", "tiles_quartered", "tiles_truncated")
    return {
        "photos": {status: counts[status].photos for status in _ORDER if status in counts},
        **{field: total(counts, field) for field in fields},
        "settings": as_text(record, merge),
    }


def _ends(failures: list[Failure], fast: Speed) -> dict[str, Any]:
    return {
        "seconds": round(fast.seconds, 3),
        "cpu_seconds": round(fast.decode_seconds + fast.model_seconds, 3),
        "limited_by": fast.limited_by,
        "failures": [
            {"image": one.path, "status": one.status, "code": one.code, "message": one.message}
            for one in failures
        ],
    }


def _print_counts(counts: dict[str, StatusCount], fast: Speed) -> None:
    out = console()
    told = [f"{counts[s].photos:,} {s}" for s in _ORDER if s in counts]
    out.print(f"Photos: {', '.join(told) or 'none'}.")
    tiles = total(counts, "tiles")
    parts = [f"Tiles: {tiles:,}"]
    for field, words in (
        ("tiles_skipped", "of one colour, not looked at"),
        ("tiles_missing", "in the missing part of partial photos"),
        ("tiles_quartered", "looked at again in quarters"),
        ("tiles_truncated", "with more objects than the pack can give"),
    ):
        if total(counts, field):
            parts.append(f"{total(counts, field):,} {words}")
    out.print(f"{', '.join(parts)}.")
    if fast.seconds:
        rate = f", {tiles / fast.seconds:.3g} tiles/s" if tiles else ""
        limit = f"; limited by {fast.limited_by}" if fast.limited_by else ""
        out.print(f"Time: {format_seconds(fast.seconds)}{rate}{limit}.")


def _print_classes(classes: dict[str, tuple[int, int]]) -> None:
    if not classes:
        console().print("Nothing was found so far.")
        return
    table = Table("label", box=None, header_style="bold")
    table.add_column("objects", justify="right")
    table.add_column("photos", justify="right")
    for label, (objects, photos) in sorted(classes.items(), key=lambda item: -item[1][0]):
        table.add_row(label, f"{objects:,}", f"{photos:,}")
    console().print(table)


def _print_settings(settings: dict[str, str]) -> None:
    shown = ("root", "pack", "tile", "overlap", "rule", "threshold", "device", "threads", "batch")
    console().print("; ".join(f"{name} {settings[name]}" for name in shown))


def _print_failures(failures: list[Failure], count: int) -> None:
    out = console()
    for one in failures:
        out.print(f"{one.status}: {one.path}: {one.message} ({one.code})")
    if count > len(failures):
        out.print(f"and {count - len(failures):,} more; --all shows them")
