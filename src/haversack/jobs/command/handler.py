"""Jobs of one kind, each attempt by a command: files in, JSON and files out."""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from haversack.errors import HaversackError, Kind
from haversack.jobs.command.notes import Notes
from haversack.jobs.command.process import Command, command_failed, run_command
from haversack.jobs.command.words import (
    CommandTask,
    Told,
    ToldFault,
    ToldLine,
    ToldProgress,
    ToldResult,
)
from haversack.jobs.files import JobFile, Role
from haversack.jobs.handler import Attempt, Outcome
from haversack.jobs.job import Job, Progress
from haversack.jobs.job_folder import JobFolder, remove_ended
from haversack.jobs.kind import JobKind
from haversack.jobs.result_files import keep_files
from haversack.jobs.services import JobServices
from haversack.packfile.archive import PackFiles
from haversack.packfile.manifest import Manifest

_log = logging.getLogger("haversack.jobs")
_ONLY_PHOTO = "photo"
# How a process ended, of which what it told before says more.
_OF_THE_END = frozenset({"job-command-failed", "job-command-slow"})
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class OfferedPacks(Protocol):
    """Packs on offer. Promises: any thread may ask."""

    def names(self, fits: Callable[[Manifest], bool]) -> Sequence[str]:
        """Of those that fit: each by its name, and by name@version."""
        ...

    def find(self, name: str, version: str | None = None) -> PackFiles | None:
        """That version, or the highest; None where it is not on offer."""
        ...


class CommandResources(Protocol):
    """What `app` gives this handler."""

    @property
    def services(self) -> JobServices:
        """Where jobs are kept."""
        ...

    @property
    def packs(self) -> OfferedPacks:
        """That jobs may be for."""
        ...

    @property
    def folder(self) -> Path:
        """Where jobs work, and what a kill leaves stays."""
        ...


@dataclass
class _Heard:
    """What a command told so far."""

    attempt: Attempt
    notes: Notes
    result: ToldResult | None = None
    fault: ToldFault | None = None

    def __call__(self, told: Told) -> None:
        """One thing more."""
        match told:
            case ToldProgress():
                self.attempt.progress(Progress(told.done, told.total, told.seconds_left))
            case ToldLine():
                self.notes.add(told.text)
            case ToldFault():
                self.fault = told
            case ToldResult():
                self.result = told


class CommandHandler:
    """See `jobs.handler.Handler`.

    Args:
        kind: of the jobs.
        command: that does them.
    """

    def __init__(self, kind: JobKind, command: Command, resources: CommandResources) -> None:
        self._kind = kind
        self._command = command
        self._services = resources.services
        self._packs = resources.packs
        self._place = resources.folder.absolute()  # the command has another working folder

    @property
    def kind(self) -> str:
        """Of the jobs."""
        return self._kind.name

    def packs(self) -> Sequence[str]:
        """Every pack on offer that the kind takes, in each of its versions."""
        return self._packs.names(self._takes)

    def _takes(self, manifest: Manifest) -> bool:
        try:
            self._kind.check_pack(manifest)
        except HaversackError:
            return False
        return True

    def run(self, attempt: Attempt) -> Outcome:
        """The command's result, with the files that it left."""
        pack, folder = self._pack(attempt.job), JobFolder(self._place, attempt.job.id)
        folder.fetch(self._photos(attempt.job), self._services.blobs, attempt.unwanted)
        work, out = folder.place / "work", folder.place / "out"
        try:
            shutil.rmtree(out, ignore_errors=True)
            for made in (folder.photos, work, out):
                made.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise folder.unwritable(folder.place, fault) from fault
        task = CommandTask(
            job=attempt.job.id,
            kind=attempt.job.kind,
            attempt=attempt.job.attempts,
            pack=attempt.job.wants,
            pack_path=str(pack.location.absolute()),
            options=json.loads(attempt.job.options),
            photos=str(folder.photos),
            work=str(work),
            out=str(out),
        )
        return self._outcome(attempt.job, self._result(attempt, task), out)

    def _result(self, attempt: Attempt, task: CommandTask) -> ToldResult:
        """What the command told. A result counts, however its process ends after it: libraries
        crash, or hang, when they are taken down.
        """
        heard = _Heard(attempt, Notes(partial(_log.info, "job %s: %s", task.job)))
        try:
            run_command(self._command, task, heard, attempt.unwanted)
        except HaversackError as error:
            if error.code not in _OF_THE_END or (heard.fault is None and heard.result is None):
                raise
            if heard.fault is None:
                _log.warning("job %s: its result is taken, though %s", task.job, error.message)
        finally:
            heard.notes.end()
        if heard.fault is not None:
            raise _told(heard.fault)
        if heard.result is None:
            raise command_failed("ended without a result")
        return heard.result

    def _pack(self, job: Job) -> PackFiles:
        name, _, version = job.wants.partition("@")
        pack = self._packs.find(name, version or None)
        if pack is None:
            raise HaversackError(
                "pack-not-loaded",
                f"{job.wants} is not served here any more",
                hint="Load it again; the job is tried again meanwhile.",
                kind=Kind.UNAVAILABLE,
            )
        return pack

    def _photos(self, job: Job) -> list[JobFile]:
        if job.input:
            return [JobFile(name=_ONLY_PHOTO, blob=job.input, size_bytes=job.input_bytes)]
        return self._services.files.files(job.id, Role.PHOTO)

    def _outcome(self, job: Job, told: ToldResult, out: Path) -> Outcome:
        left = sorted(path for path in out.iterdir() if path.is_file())
        named = [path for path in left if _FILE_NAME.fullmatch(path.name)]
        if len(named) < len(left):
            _log.warning("job %s: files with names that no address can have are left out", job.id)
        kept = keep_files(named, job.id, self._services.blobs, self._services.files)
        files = [{"name": file.name, "bytes": file.size_bytes} for file in kept]
        return Outcome(
            result=msgspec.json.encode({**told.result, "files": files}).decode(),
            version=told.version,
            files_bytes=sum(file.size_bytes for file in kept),
        )

    def tidy(self) -> None:
        """See `remove_ended`."""
        remove_ended(self._place, self._services.store)


def _told(fault: ToldFault) -> HaversackError:
    """What the command said of itself, as an error of ours."""
    known = fault.kind in {kind.value for kind in Kind}
    kind = Kind(fault.kind) if known else Kind.INTERNAL
    return HaversackError(fault.code, fault.message, hint=fault.hint, kind=kind)
