"""Where a survey that is a job works on this machine: its photos as files, and its run."""

from __future__ import annotations

import logging
import shutil
import threading
from pathlib import Path

from haversack.errors import HaversackError, Kind
from haversack.jobs.blobs import BlobStore
from haversack.jobs.files import JobFile
from haversack.jobs.job import State
from haversack.jobs.store import JobStore
from haversack.survey.run.options import RUN_FILE, read_record

_log = logging.getLogger("haversack.survey")
_RETRIED = frozenset({State.FAILED, State.DEAD})


class JobFolder:
    """The folder of one job. It outlives a kill: the next attempt here goes on from it.

    Attributes:
        photos: they lie here under their names.
        run: the folder of the run.
    """

    def __init__(self, place: Path, job_id: str) -> None:
        self._place = place / job_id
        self.photos = self._place / "photos"
        self.run = self._place / "run"

    def fetch(self, files: list[JobFile], blobs: BlobStore, unwanted: threading.Event) -> None:
        """Have every photo as a file; those of an earlier attempt are here already.

        Raises:
            HaversackError: `survey-write-failed`; as `check_wanted`; those of `BlobStore.fetch`.
        """
        for file in files:
            target = self.photos / file.name
            check_wanted(unwanted)
            try:
                if target.exists():
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError) as fault:
                raise HaversackError(
                    "photo-name-taken",
                    f"{file.name!r} lies in a folder that has the name of another photo",
                    hint="Give each photo the path that it has in its folder.",
                ) from fault
            except OSError as fault:
                raise _unwritable(target, fault) from fault
            blobs.fetch(file.blob, target)

    @property
    def has_run(self) -> bool:
        """Whether a run was begun."""
        return (self.run / RUN_FILE).exists()

    def begin_anew_unless(self, digest: str) -> None:
        """Forget a run that another version of the pack began."""
        if not self.has_run:
            return
        if read_record(self.run).pack.digest != digest:
            _log.warning("%s was begun with another version of its pack; it begins anew", self.run)
            shutil.rmtree(self.run)

    def remove(self) -> None:
        """Take it away; the photos stay where they are kept."""
        shutil.rmtree(self._place, ignore_errors=True)


def remove_ended(place: Path, store: JobStore) -> None:
    """Take away the folders of jobs that nobody will go on with."""
    if not place.is_dir():
        return
    for folder in place.iterdir():
        if folder.is_dir() and _is_over(store, folder.name):
            JobFolder(place, folder.name).remove()


def _is_over(store: JobStore, job_id: str) -> bool:
    try:
        job = store.find(job_id)
    except HaversackError as error:
        if error.kind is Kind.NOT_FOUND:
            return True
        raise
    return job.state.is_terminal and (job.state not in _RETRIED or bool(job.input_removed))


def _unwritable(path: Path, fault: OSError) -> HaversackError:
    return HaversackError(
        "survey-write-failed",
        f"the photo {path} cannot be put where the survey works: {fault.strerror or fault}",
        hint="Make room in the server's --state folder; the survey is tried again.",
        kind=Kind.UNAVAILABLE,
    )


def check_wanted(unwanted: threading.Event) -> None:
    """Break off what nobody waits for. Raises HaversackError `job-broken-off`."""
    if unwanted.is_set():
        raise HaversackError(
            "job-broken-off",
            "the survey was broken off",
            hint="It was cancelled, or its worker ended; what was done is kept for the next "
            "attempt.",
            kind=Kind.UNAVAILABLE,
        )
