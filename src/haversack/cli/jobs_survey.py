"""`haversack jobs survey`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import click
from rich.progress import Progress

from haversack.cli.inputs import expand
from haversack.cli.jobs_asking import JobsDoor, SentFile
from haversack.cli.jobs_door import with_door
from haversack.cli.jobs_output import told
from haversack.cli.options import json_option, share
from haversack.cli.output import console, notes, print_record
from haversack.errors import HaversackError, Kind

T = TypeVar("T")
_TITLE_LENGTH = 200
_PAUSES_SECONDS = (1, 2, 5, 10, 30, 60)
_PASSING = frozenset({Kind.OVERLOADED, Kind.DEADLINE, Kind.UNAVAILABLE})


@click.command("survey")
@click.argument("pack")
@click.argument("photos", nargs=-1, required=True)
@click.option("--name", "title", default="", help="What lists call it. [default: the folder]")
@click.option("--tile", type=click.IntRange(16, 65_536), help="Side of a tile in px.")
@click.option("--overlap", type=click.IntRange(0, 65_535), help="Px that neighbours share.")
@click.option("--whole", is_flag=True, help="Look at each photo as a whole, not at tiles.")
@click.option("--overview", is_flag=True, help="Look at each photo once more as a whole.")
@click.option("--threshold", type=float, callback=share, help="Least score; default the pack's.")
@click.option("--priority", type=click.IntRange(-100, 100), default=0, help="Higher ones first.")
@click.option("--upload", "upload_id", help="Go on with an upload that broke off.")
@with_door
@json_option
def command(
    pack: str,
    photos: tuple[str, ...],
    title: str,
    tile: int | None,
    overlap: int | None,
    whole: bool,
    overview: bool,
    threshold: float | None,
    priority: int,
    upload_id: str | None,
    door: JobsDoor,
    as_json: bool,
) -> None:
    """Send PHOTOS (files, folders or globs) as one job for PACK, which looks for objects in them.

    The job's id is printed when everything is on the server's disk.
    """
    if whole and (tile is not None or overlap is not None or overview):
        raise click.UsageError("--whole goes with none of --tile, --overlap and --overview.")
    named = _named(expand(photos))
    upload = upload_id or door.begin_upload()
    try:
        _send(door, upload, named)
        wishes = {
            "upload": upload,
            "name": title or _title(photos),
            "tile": "whole" if whole else tile,
            "overlap": overlap,
            "overview": "true" if overview else None,
            "threshold": threshold,
            "priority": priority or None,
        }
        job = _patiently(lambda: door.submit_upload(pack, wishes))
    except (HaversackError, KeyboardInterrupt):
        notes().print(f"To go on, give the same command with --upload {upload}")
        raise
    if as_json:
        print_record(job)
    else:
        console().print(told(job))


def _title(words: tuple[str, ...]) -> str:
    first = Path(words[0]).resolve().name
    whole = first if len(words) == 1 else f"{first} and {len(words) - 1} more"
    # A folder may have any name, a title may not.
    return "".join(one if one.isprintable() else " " for one in whole)[:_TITLE_LENGTH]


def _named(paths: list[Path]) -> dict[str, Path]:
    """Each photo under its path below the folder that holds them all."""
    # macOS puts ._NAME.JPG, which is no photo, beside NAME.JPG on a card.
    whole = [path.resolve() for path in paths if not path.name.startswith("._")]
    root = Path(os.path.commonpath([path.parent for path in whole]))
    return {path.relative_to(root).as_posix(): path for path in whole}


def _send(door: JobsDoor, upload: str, named: dict[str, Path]) -> None:
    there = _patiently(lambda: door.uploaded(upload))
    left = {name: path for name, path in named.items() if name not in there}
    for name, path in _shown(left):
        _send_one(door, upload, name, SentFile(path))


def _send_one(door: JobsDoor, upload: str, name: str, photo: SentFile) -> None:
    try:
        _patiently(lambda: door.upload(upload, name, photo))
    except HaversackError as error:
        raise HaversackError(
            error.code, f"{name}: {error.message}", hint=error.hint, kind=error.kind
        ) from error


def _shown(named: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    if not sys.stderr.isatty():
        yield from named.items()
        return
    with Progress(console=notes(), transient=True) as bar:
        yield from bar.track(named.items(), total=len(named), description="Sending")


def _patiently(work: Callable[[], T]) -> T:
    """Do it, and wait a little where the server is busy or away."""
    for pause in _PAUSES_SECONDS:
        try:
            return work()
        except HaversackError as error:
            if error.kind not in _PASSING:
                raise
            notes().print(f"{error.message}; trying again in {pause} s")
        time.sleep(pause)
    return work()
