"""Where a job works on this machine: its photos as files, and what an attempt leaves there."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

from haversack.errors import HaversackError, Kind
from haversack.jobs.blobs import BlobStore
from haversack.jobs.files import JobFile
from haversack.jobs.job import State
from haversack.jobs.store import JobStore

_RETRIED = frozenset({State.FAILED, State.DEAD})


class JobFolder:
    """The folder of one job. It outlives a kill: the next attempt here goes on from it.

    Attributes:
        place: the folder itself.
        photos: they lie here under their names.
    """

    def __init__(self, place: Path, job_id: str) -> None:
        self.place = place / job_id
        self.photos = self.place / "photos"

    def fetch(self, files: Sequence[JobFile], blobs: BlobStore, unwanted: threading.Event) -> None:
        """Have every photo as a file; those of an earlier attempt are here already.

        Raises:
            HaversackError: as `unwritable` and `check_wanted`; those of `BlobStore.fetch`.
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
                raise self.unwritable(target, fault) from fault
            blobs.fetch(file.blob, target)

    def unwritable(self, path: Path, fault: OSError) -> HaversackError:
        """What is said where a photo cannot be put here."""
        return HaversackError(
            "job-folder-unwritable",
            f"{path}, where the job works, cannot be written: {fault.strerror or fault}",
            hint="Make room in the server's --state folder; the job is tried again.",
            kind=Kind.UNAVAILABLE,
        )

    def remove(self) -> None:
        """Take it away; the photos stay where they are kept."""
        shutil.rmtree(self.place, ignore_errors=True)


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


def check_wanted(unwanted: threading.Event) -> None:
    """Break off what nobody waits for. Raises HaversackError `job-broken-off`."""
    if unwanted.is_set():
        raise broken_off()


def broken_off() -> HaversackError:
    """Nobody waits for it any more."""
    return HaversackError(
        "job-broken-off",
        "the job was broken off",
        hint="It was cancelled, or its worker ended; what was done is kept for the next attempt.",
        kind=Kind.UNAVAILABLE,
    )
