"""Before the first photo: a run folder that is new, gone on with, or begun anew."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from haversack.engine.cpus import usable_cpus
from haversack.errors import HaversackError, Kind
from haversack.packfile.archive import PackFiles
from haversack.packfile.tiles import survey_obstacle
from haversack.survey.run.facts import current_merge
from haversack.survey.run.options import (
    RUN_FILE,
    MachineTable,
    MergeTable,
    PackTable,
    RunRecord,
    RunRequest,
    SpeedTable,
    differences,
    effective_grid,
    read_record,
    refuse_differences,
)
from haversack.survey.run.store import DATABASE, LOCK, RunStore
from haversack.version import __version__

EXPORTS = "exports"
REPORT = "report.html"
RETRY = "retry.txt"
EARLIER = "earlier"
# The record last: killed before, the same command sets the rest aside.
_KEPT = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", EXPORTS, REPORT, RETRY, RUN_FILE)
_VERSIONS = ("onnxruntime", "numpy", "simplejpeg", "pillow")


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A run folder, ready for work.

    Attributes:
        record: its run.toml; `speed.measured` is False where nothing was measured yet.
        is_new: whether it was made just now.
    """

    record: RunRecord
    is_new: bool


def check_pack(pack: PackFiles) -> None:
    """Refuse a pack that no survey can use.

    Raises:
        HaversackError: `survey-pack-unfit` for another task than detect, or where the pack sees
            only the middle of each tile.
    """
    manifest = pack.manifest
    obstacle = survey_obstacle(manifest)
    if obstacle == "task":
        raise HaversackError(
            "survey-pack-unfit",
            f"a survey needs a pack that detects; the task of {manifest.name} is {manifest.task}",
            hint="Give a pack of task detect, or use `haversack predict` on the photos.",
        )
    if obstacle == "margins":
        raise HaversackError(
            "survey-pack-unfit",
            f"{manifest.name} cuts the middle out of what it is given (geometry crop), so it would "
            "not see the margins of any tile",
            hint="Import the model again with --geometry letterbox.",
        )


def begin(
    request: RunRequest, root: Path, now: datetime.datetime, tell: Callable[[str], None]
) -> Begun:
    """The run of the folder, after its settings were compared; or a new one.

    Nothing is written for a new one yet: see `options.write_record`.

    Raises:
        HaversackError: `run-differs`, `run-missing`, `run-damaged`.
    """
    folder = request.out
    if request.new_pass and _has_run(folder):
        kept = set_aside(folder)
        tell(f"The earlier pass is kept in {kept}.")
    if not (folder / RUN_FILE).exists():
        _refuse_without_record(folder)
        return Begun(record=_new_record(request, root, now), is_new=True)
    record = read_record(folder)
    with RunStore(folder, write=False) as store:
        merge = current_merge(record, store)
    refuse_differences(folder, differences(request, root, record, merge))
    return Begun(record=record, is_new=False)


def _has_run(folder: Path) -> bool:
    return (folder / RUN_FILE).exists() or (folder / DATABASE).exists()


def _refuse_without_record(folder: Path) -> None:
    """A run killed before its first write has an empty database; one with photos lost a file."""
    if not (folder / DATABASE).exists():
        return
    with RunStore(folder, write=True) as store:
        photos = sum(one.photos for one in store.counts().values())
    if photos:
        raise HaversackError(
            "run-damaged",
            f"{folder} has the results of {photos:,} photos, but no {RUN_FILE} to say how they "
            "were made",
            hint=f"Put back a copy of {RUN_FILE}, or begin anew with --new-pass.",
        )


def set_aside(folder: Path) -> Path:
    """Move a run's files into `earlier/N` of its folder, N one more than there are."""
    RunStore(folder, write=True).close()  # nobody else works in it, and no -wal is left open
    earlier = folder / EARLIER
    earlier.mkdir(exist_ok=True)
    number = 1 + max((int(p.name) for p in earlier.iterdir() if p.name.isdigit()), default=0)
    place = earlier / str(number)
    place.mkdir()
    for name in _KEPT:
        if (folder / name).exists():
            os.replace(folder / name, place / name)
    return place


def check_folder(folder: Path) -> None:
    """Refuse a folder in which a run would be mixed up with other things.

    Raises:
        HaversackError: `run-folder-taken`, kind CONFLICT.
    """
    if folder.exists() and not folder.is_dir():
        raise _taken(f"{folder} is a file; a run needs a folder")
    names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    # Of a run begun anew and killed before its first write only these may be there.
    strangers = sorted(names - {LOCK, EARLIER})
    if strangers and not names & {RUN_FILE, DATABASE}:
        raise _taken(f"{folder} is no run, and not empty: it holds {', '.join(strangers[:3])}")


def _taken(what: str) -> HaversackError:
    return HaversackError(
        "run-folder-taken",
        what,
        hint="Give --out a folder that is new or empty, or that of the run to go on with.",
        kind=Kind.CONFLICT,
    )


def _new_record(request: RunRequest, root: Path, now: datetime.datetime) -> RunRecord:
    manifest = request.pack.manifest
    threshold = request.threshold
    return RunRecord(
        created=now,
        root=str(root),
        photos=request.words,
        pack=PackTable(
            name=manifest.name,
            version=manifest.version,
            digest=request.pack.digest,
            location=str(request.pack.location.absolute()),
            labels=manifest.labels,
            task=manifest.task,
        ),
        grid=effective_grid(request),
        merge=MergeTable(
            rule=request.rule or "seam",
            threshold=manifest.defaults.score_threshold if threshold is None else threshold,
        ),
        speed=SpeedTable(
            device=request.device or "cpu",
            batch=request.batch or 1,
            threads=request.threads or usable_cpus(),
            measured=False,
        ),
        machine=MachineTable(
            system=f"{platform.system()} {platform.release()}",
            cpu=_cpu(),
            cpus=usable_cpus(),
            versions={
                "haversack": __version__,
                "python": platform.python_version(),
                **{name: metadata.version(name) for name in _VERSIONS if _is_installed(name)},
            },
        ),
    )


def _is_installed(name: str) -> bool:
    # onnxruntime-gpu answers to another name than the module it brings.
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
