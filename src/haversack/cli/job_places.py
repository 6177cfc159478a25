"""Which database and blob store a command means."""

from __future__ import annotations

from pathlib import Path

from haversack.jobs.setting import JobPlaces
from haversack.settings import from_environment


def job_places(state: Path | None, database: str | None, blobs: str | None) -> JobPlaces:
    """Where jobs are: as the options say, else the environment, else the state folder.

    A state folder that is named comes before the environment's database.
    """
    settings = from_environment()
    return JobPlaces(
        state=state or settings.state_folder,
        database=database or (None if state else settings.database_url) or None,
        blobs=blobs,
    )
