"""One attempt at a survey that is a job: photos that are left, a report, files that are kept.

Loaded when the first survey comes: what draws and tells of runs takes 10 MB.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from haversack.engine.budget import Budget
from haversack.formats.report import PHOTO_BYTES
from haversack.jobs.handler import Attempt, Outcome
from haversack.jobs.job import Job, Progress
from haversack.jobs.job_folder import check_wanted
from haversack.jobs.result_files import keep_files
from haversack.jobs.services import JobServices
from haversack.survey.job.folder import SurveyFolder
from haversack.survey.job.lending import LentPack
from haversack.survey.job.results import JobRun, summary, write_files
from haversack.survey.job.wish import read_wish
from haversack.survey.run.begin import check_pack
from haversack.survey.run.loop import RunLoop
from haversack.survey.run.opening import open_run, queue_photos
from haversack.survey.run.options import RunRequest
from haversack.survey.run.progress import RunProgress
from haversack.survey.run.resources import Resources
from haversack.survey.run.sources import find_photos
from haversack.survey.run.store import RunStore

_log = logging.getLogger("haversack.survey")
# Larger than any photo: its one tile is the whole of it.
_WHOLE_PX = 1 << 20
_CHECK_SECONDS = 0.2


def run_survey(
    services: JobServices, attempt: Attempt, folder: SurveyFolder, pack: LentPack
) -> Outcome:
    """Go on where the folder's run is. Raises HaversackError."""
    check_pack(pack.files)
    screen = _JobScreen(attempt)
    request = _request(attempt.job, folder, pack)
    sources = find_photos(request.words, io.StringIO(), skip=request.out)
    begun = open_run(request, sources, screen)
    record = begun.record
    resources = Resources(model=pack, memory=pack.memory, threads=pack.threads)
    request.out.mkdir(parents=True, exist_ok=True)
    with RunStore(request.out, write=True) as store:
        photos = queue_photos(request, store, begun, sources, screen)
        run_loop = RunLoop(
            store=store,
            record=record,
            screen=screen,
            root=sources.root,
            halted=attempt.unwanted.is_set,
        )
        if photos:
            run_loop.work(resources, photos)
        check_wanted(attempt.unwanted)
        with _reserved(pack.memory, attempt.unwanted) as report_bytes:
            run = JobRun(
                folder=request.out,
                record=record,
                store=store,
                title=attempt.job.image or "survey",
                report_bytes=report_bytes,
            )
            written = write_files(run, attempt.unwanted.is_set)
        check_wanted(attempt.unwanted)
        kept = keep_files(written, attempt.job.id, services.blobs, services.files)
        return Outcome(
            result=summary(run, attempt.job.id, kept),
            version=record.pack.version,
            files_bytes=sum(file.size_bytes for file in kept),
        )


@dataclass
class _JobScreen:
    """A run's `Screen` that is a job's row: progress goes there, remarks into the log."""

    attempt: Attempt

    def note(self, text: str) -> None:
        """Into the log, where it helps to find a fault."""
        _log.debug("job %s: %s", self.attempt.job.id, text)

    def show(self, standing: RunProgress) -> None:
        """With the next heartbeat."""
        left = standing.seconds_left or 0.0
        self.attempt.progress(Progress(standing.photos_done, standing.photos, left))

    def close(self) -> None:
        """Nothing is open."""


def _request(job: Job, folder: SurveyFolder, pack: LentPack) -> RunRequest:
    wish = read_wish(job.options)
    return RunRequest(
        words=(str(folder.photos),),
        pack=pack.files,
        out=folder.run,
        tile=_WHOLE_PX if wish.whole else wish.tile,
        overlap=0 if wish.whole else wish.overlap,
        threshold=wish.threshold,
        overview=wish.overview,
        # A run that was begun on another device goes on; its tiles' rows say nothing of devices.
        device=None if folder.has_run else pack.device,
        threads=pack.threads,
        batch=1,
    )


@contextmanager
def _reserved(memory: Budget, unwanted: threading.Event) -> Iterator[int]:
    """Memory for the photos of which a report shows parts, one at a time, when there is some."""
    count = min(PHOTO_BYTES, memory.whole_bytes * 3 // 4)
    while not memory.take(count):
        check_wanted(unwanted)
        unwanted.wait(_CHECK_SECONDS)
    try:
        yield count
    finally:
        memory.give(count)
