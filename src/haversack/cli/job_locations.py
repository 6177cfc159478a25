"""Which database and blob store a command means."""

from __future__ import annotations

from pathlib import Path

from haversack.jobs.services import JobLocations
from haversack.settings import from_environment


def job_locations(state: Path | None, database: str | None, blobs: str | None) -> JobLocations:
    """Where jobs are: as the options say, else the environment, else the state folder.

    A state folder that is named comes before the environment's database.
    """
    settings = from_environment()
    return JobLocations(
        state=state or settings.state_folder,
        database=database or (None if state else settings.database_url) or None,
        blobs=blobs,
    )
