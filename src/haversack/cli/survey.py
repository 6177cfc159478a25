"""`haversack survey`: the commands about surveys."""

from __future__ import annotations

import click

from haversack.cli.lazy import CommandEntry, LazyGroup


@click.group(
    cls=LazyGroup,
    entries={
        "run": CommandEntry(
            "haversack.cli.survey_run", "Look at every photo, tile by tile; resumable."
        ),
        "status": CommandEntry(
            "haversack.cli.survey_status", "Say how far a run is, and what failed."
        ),
        "export": CommandEntry(
            "haversack.cli.survey_export", "Write a run's results for other programs."
        ),
        "merge": CommandEntry(
            "haversack.cli.survey_merge", "Change a run's threshold or seam rule."
        ),
        "report": CommandEntry("haversack.cli.survey_report", "Write a run's report.html anew."),
    },
)
def command() -> None:
    """Find objects in many large photos, and know what became of each photo."""
