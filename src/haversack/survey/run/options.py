"""What a person asked of a run, and what the run keeps of it in run.toml."""

from __future__ import annotations

import datetime
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import tomli_w

from haversack.engine.devices import DEVICE_PATTERN, Device
from haversack.engine.merge import Rule
from haversack.errors import HaversackError, Kind
from haversack.packfile.archive import PackFiles
from haversack.packfile.tiles import default_tile
from haversack.survey.flow.grid import GridTable

RUN_FILE = "run.toml"


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """The options of `survey run`; None where the person said nothing.

    Attributes:
        words: folders, photos, globs, lists.
        pack: opened and checked.
        out: the run folder.
        tile, overlap: px.
        overview: whether the whole photo is looked at once more in low resolution.
        device, threads, batch: how the pack is run.
        memory_bytes: for photos in flight.
        new_pass: begin anew in a folder that holds a run; the old one is kept beside it.
    """

    words: tuple[str, ...]
    pack: PackFiles
    out: Path
    tile: int | None = None
    overlap: int | None = None
    rule: Rule | None = None
    threshold: float | None = None
    overview: bool | None = None
    device: Device | None = None
    threads: int | None = None
    batch: int | None = None
    memory_bytes: int | None = None
    new_pass: bool = False


class _Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table of run.toml."""


_FIRST_TASK = "detect"
"""The one that surveys had before run.toml told of it."""


class PackTable(_Table, frozen=True, kw_only=True):
    """The pack that a run uses; `task` is written where it is another than the first."""

    name: str
    version: str
    digest: str
    location: str
    labels: tuple[str, ...]
    task: str = _FIRST_TASK


class MergeTable(_Table, frozen=True, kw_only=True):
    """How tiles become objects, when the run began; `survey merge` may have changed it since."""

    rule: Rule
    threshold: float


class SpeedTable(_Table, frozen=True, kw_only=True):
    """How the pack is run; batch and threads as asked for, or as measured on the first tiles."""

    device: Annotated[Device, msgspec.Meta(pattern=DEVICE_PATTERN)]
    batch: int
    threads: int
    measured: bool
    tiles_per_second: float = 0.0


class MachineTable(_Table, frozen=True, kw_only=True):
    """Where the run began, and with what."""

    system: str
    cpu: str
    cpus: int
    versions: dict[str, str]


class RunRecord(_Table, frozen=True, kw_only=True):
    """run.toml: every effective setting. `photos` are the words as given, `root` is absolute."""

    format: Literal[1] = 1
    created: datetime.datetime
    root: str
    photos: tuple[str, ...]
    pack: PackTable
    grid: GridTable
    merge: MergeTable
    speed: SpeedTable
    machine: MachineTable


def effective_grid(request: RunRequest) -> GridTable:
    """The grid of a new run. With a tile of its own, the overlap keeps its share of it."""
    tile, overlap = default_tile(request.pack.manifest)
    if request.tile is not None:
        overlap = request.tile * overlap // tile
        tile = request.tile
    return GridTable(
        tile=tile,
        overlap=overlap if request.overlap is None else request.overlap,
        overview=bool(request.overview),
    )


def differences(request: RunRequest, root: Path, kept: RunRecord, merge: MergeTable) -> list[str]:
    """A line for each thing that the person said and that the run has otherwise.

    What was not said is the run's. Threads and memory may change: they change no result.

    Args:
        merge: as it is now, perhaps changed by `survey merge`.
    """
    manifest = request.pack.manifest
    said = [
        ("photos", str(root), kept.root),
        ("pack", f"{manifest.name}@{manifest.version}", f"{kept.pack.name}@{kept.pack.version}"),
        ("pack digest", request.pack.digest, kept.pack.digest),
        ("--tile", request.tile, kept.grid.tile),
        ("--overlap", request.overlap, kept.grid.overlap),
        ("--overview", request.overview, kept.grid.overview),
        ("--rule", request.rule, merge.rule),
        ("--threshold", request.threshold, merge.threshold),
        ("--device", request.device, kept.speed.device),
        ("--batch", request.batch, kept.speed.batch),
    ]
    return [
        f"{name}: the run has {has}, now {now}"
        for name, now, has in said
        if now is not None and now != has
    ]


def refuse_differences(folder: Path, lines: list[str]) -> None:
    """Raise `run-differs`, kind CONFLICT, with every line; nothing where there are none."""
    if lines:
        raise HaversackError(
            "run-differs",
            f"{folder} holds a run with other settings",
            details=tuple(lines),
            hint="Give the run's own settings to go on with it, another --out for a second run, "
            "or --new-pass to begin anew and keep the old results beside the new. Threshold and "
            "rule of a run can be changed without looking again: `haversack survey merge`.",
            kind=Kind.CONFLICT,
        )


def read_record(folder: Path) -> RunRecord:
    """The run.toml of a run folder.

    Raises:
        HaversackError: `run-missing` where there is none; `run-damaged`.
    """
    path = folder / RUN_FILE
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), RunRecord)
    except FileNotFoundError as fault:
        raise HaversackError(
            "run-missing",
            f"{folder} is no run of a survey: it has no {RUN_FILE}",
            hint="Give the folder that `haversack survey run` was given with --out.",
            kind=Kind.NOT_FOUND,
        ) from fault
    except (ValueError, msgspec.ValidationError) as fault:
        raise HaversackError(
            "run-damaged",
            f"{path} cannot be read: {fault}",
            hint="Put back a copy of it, or begin anew with --new-pass.",
        ) from fault


def write_record(folder: Path, record: RunRecord) -> None:
    """Write run.toml, whole or not at all."""
    plain: dict[str, Any] = msgspec.to_builtins(record, builtin_types=(datetime.datetime,))
    if record.pack.task == _FIRST_TASK:
        del plain["pack"]["task"]
    draft = folder / f"{RUN_FILE}.draft"
    with draft.open("wb") as stream:
        tomli_w.dump(plain, stream)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, folder / RUN_FILE)


def as_text(record: RunRecord, merge: MergeTable) -> dict[str, str]:
    """Every effective setting as a person reads it, in the order to print them."""
    grid, speed = record.grid, record.speed
    return {
        "photos": ", ".join(record.photos),
        "root": record.root,
        "pack": f"{record.pack.name}@{record.pack.version}",
        "pack digest": record.pack.digest,
        "tile": f"{grid.tile} px",
        "overlap": f"{grid.overlap} px",
        "overview": "yes" if grid.overview else "no",
        "rule": merge.rule,
        "threshold": f"{merge.threshold:g}",
        "device": speed.device,
        "threads": str(speed.threads),
        "batch": str(speed.batch),
        "machine": f"{record.machine.cpu}, {record.machine.cpus} CPUs, {record.machine.system}",
        "versions": ", ".join(
            f"{name} {version}" for name, version in record.machine.versions.items()
        ),
    }
