"""Where a survey that is a job works on this machine: its photos as files, and its run."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from haversack.errors import HaversackError, Kind
from haversack.jobs.job_folder import JobFolder
from haversack.survey.run.options import RUN_FILE, read_record

_log = logging.getLogger("haversack.survey")


class SurveyFolder(JobFolder):
    """The folder of one survey.

    Attributes:
        run: the folder of the run.
    """

    def __init__(self, place: Path, job_id: str) -> None:
        super().__init__(place, job_id)
        self.run = self.place / "run"

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

    def unwritable(self, path: Path, fault: OSError) -> HaversackError:
        """See `JobFolder.unwritable`."""
        return HaversackError(
            "survey-write-failed",
            f"the photo {path} cannot be put where the survey works: {fault.strerror or fault}",
            hint="Make room in the server's --state folder; the survey is tried again.",
            kind=Kind.UNAVAILABLE,
        )
