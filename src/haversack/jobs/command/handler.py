"""Jobs of one kind, each attempt by a command: files in, JSON and files out."""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from haversack.errors import HaversackError, Kind
from haversack.jobs.command.process import CommandLimits, command_failed, run_command
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

_log = logging.getLogger("haversack.jobs")
_ONLY_PHOTO = "photo"
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class OfferedPacks(Protocol):
    """Packs on offer. Promises: any thread may ask."""

    def all(self) -> Sequence[PackFiles]:
        """Each of them, in each version."""
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
    result: ToldResult | None = None
    fault: ToldFault | None = field(default=None)

    def __call__(self, told: Told) -> None:
        """One thing more."""
        match told:
            case ToldProgress():
                self.attempt.progress(Progress(told.done, told.total, told.seconds_left))
            case ToldLine():
                _log.info("job %s: %s", self.attempt.job.id, told.text)
            case ToldFault():
                self.fault = told
            case ToldResult():
                self.result = told


class CommandHandler:
    """See `jobs.handler.Handler`.

    Args:
        kind: of the jobs.
        command: module and words of `python -m`; see `words.CommandTask` for what it is told.
        limits: of one attempt.
    """

    def __init__(
        self,
        kind: JobKind,
        command: Sequence[str],
        resources: CommandResources,
        limits: CommandLimits,
    ) -> None:
        self._kind = kind
        self._command = tuple(command)
        self._services = resources.services
        self._packs = resources.packs
        self._place = resources.folder
        self._limits = limits

    @property
    def kind(self) -> str:
        """Of the jobs."""
        return self._kind.name

    def packs(self) -> Sequence[str]:
        """Every pack on offer that the kind takes, in each of its versions."""
        found = []
        for files in self._packs.all():
            manifest = files.manifest
            try:
                self._kind.check_pack(manifest)
            except HaversackError:
                continue
            found += [manifest.name, f"{manifest.name}@{manifest.version}"]
        return found

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
            pack_path=str(pack.location),
            options=json.loads(attempt.job.options),
            photos=str(folder.photos),
            work=str(work),
            out=str(out),
        )
        heard = _Heard(attempt)
        try:
            run_command(self._command, task, self._limits, heard, attempt.unwanted)
        except HaversackError as error:
            if heard.fault is None or error.code != "job-command-failed":
                raise
            raise _told(heard.fault) from error
        if heard.fault is not None:
            raise _told(heard.fault)
        if heard.result is None:
            raise command_failed("ended without a result")
        return self._outcome(attempt.job, heard.result, out)

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
    kind = Kind.INVALID if fault.is_inputs else Kind.INTERNAL
    return HaversackError(fault.code, fault.message, hint=fault.hint, kind=kind)
