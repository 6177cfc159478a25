"""Jobs of kind survey: many photos with a pack that a server lends, resumed where it broke off."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from haversack.jobs.files import Role
from haversack.jobs.handler import Attempt, Outcome
from haversack.jobs.services import JobServices
from haversack.jobs.survey_wish import KIND
from haversack.survey.job.folder import JobFolder, check_wanted, remove_ended
from haversack.survey.job.lending import Lender


class SurveyHandler:
    """See `jobs.handler.Handler`. Works in `place`, where a killed survey's photos and run stay."""

    kind = KIND

    def __init__(self, services: JobServices, lender: Lender, place: Path) -> None:
        self._services = services
        self._lender = lender
        self._place = place

    def packs(self) -> Sequence[str]:
        """Those that the lender would lend."""
        return self._lender.packs()

    def run(self, attempt: Attempt) -> Outcome:
        """Look at every photo that is not done yet, and keep the results as the job's files."""
        self.tidy()
        job, folder = attempt.job, JobFolder(self._place, attempt.job.id)
        photos = self._services.files.files(job.id, Role.PHOTO)
        folder.fetch(photos, self._services.blobs, attempt.unwanted)
        with self._lender.lend(job.wants, attempt.unwanted) as pack:
            check_wanted(attempt.unwanted)
            folder.begin_anew_unless(pack.files.digest)
            work: Any = importlib.import_module("haversack.survey.job.run")
            # The folder stays until the row is done: a kill before that loses nothing.
            outcome: Outcome = work.run_survey(self._services, attempt, folder, pack)
        return outcome

    def tidy(self) -> None:
        """See `remove_ended`."""
        remove_ended(self._place, self._services.store)
