"""Jobs of kind survey: many photos with a pack that a server lends, resumed where it broke off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from haversack.jobs.files import Role
from haversack.jobs.handler import Attempt, Outcome
from haversack.jobs.job_folder import check_wanted, remove_ended
from haversack.jobs.services import JobServices
from haversack.survey.job.folder import SurveyFolder
from haversack.survey.job.kind import SURVEY
from haversack.survey.job.lending import Lender, LentPack

RunSurvey = Callable[[JobServices, Attempt, SurveyFolder, LentPack], Outcome]
"""See `run.run_survey`."""


class SurveyWork(Protocol):
    """The module that does surveys, `run`: loaded with the first one, since it takes 10 MB."""

    @property
    def run_survey(self) -> RunSurvey:
        """One attempt."""
        ...


class SurveyResources(Protocol):
    """What `app` gives this handler.

    Promises: `work` loads the module at its first call, in whatever thread.
    """

    @property
    def services(self) -> JobServices:
        """Where jobs are kept."""
        ...

    @property
    def lender(self) -> Lender:
        """Whose packs look."""
        ...

    @property
    def folder(self) -> Path:
        """Where photos and runs of killed surveys stay."""
        ...

    @property
    def work(self) -> Callable[[], SurveyWork]:
        """Gives the module."""
        ...


class SurveyHandler:
    """See `jobs.handler.Handler`."""

    kind = SURVEY.name

    def __init__(self, resources: SurveyResources) -> None:
        self._services = resources.services
        self._lender = resources.lender
        self._place = resources.folder
        self._work = resources.work

    def packs(self) -> Sequence[str]:
        """Those that the lender would lend."""
        return self._lender.packs()

    def run(self, attempt: Attempt) -> Outcome:
        """Look at every photo that is not done yet, and keep the results as the job's files."""
        self.tidy()
        job, folder = attempt.job, SurveyFolder(self._place, attempt.job.id)
        photos = self._services.files.files(job.id, Role.PHOTO)
        folder.fetch(photos, self._services.blobs, attempt.unwanted)
        with self._lender.lend(job.wants, attempt.unwanted) as pack:
            check_wanted(attempt.unwanted)
            folder.begin_anew_unless(pack.files.digest)
            # The folder stays until the row is done: a kill before that loses nothing.
            return self._work().run_survey(self._services, attempt, folder, pack)

    def tidy(self) -> None:
        """See `remove_ended`."""
        remove_ended(self._place, self._services.store)


handler = SurveyHandler
"""What `app` makes of its resources."""
