"""`haversack jobs`: the commands about jobs."""

from __future__ import annotations

import click

from haversack.cli.lazy import CommandEntry, LazyGroup


@click.group(
    cls=LazyGroup,
    entries={
        "submit": CommandEntry("haversack.cli.jobs_submit", "Send photos as jobs."),
        "survey": CommandEntry("haversack.cli.jobs_survey", "Send many photos as one job."),
        "files": CommandEntry("haversack.cli.jobs_files", "List or fetch the files of a survey."),
        "list": CommandEntry("haversack.cli.jobs_list", "List jobs, the newest first."),
        "show": CommandEntry(
            "haversack.cli.jobs_show", "Say how far a job is, or show its result."
        ),
        "wait": CommandEntry(
            "haversack.cli.jobs_wait", "Wait until jobs have ended; show the results."
        ),
        "cancel": CommandEntry("haversack.cli.jobs_cancel", "Cancel jobs, queued or running."),
        "retry": CommandEntry("haversack.cli.jobs_retry", "Try again what failed or is dead."),
    },
)
def command() -> None:
    """Send photos as jobs, which survive the end of whoever sent them and of the server."""
