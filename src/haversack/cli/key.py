"""`haversack key`: the commands about API keys."""

from __future__ import annotations

import click

from haversack.cli.lazy import CommandEntry, LazyGroup


@click.group(
    cls=LazyGroup,
    entries={
        "add": CommandEntry("haversack.cli.key_add", "Make an API key, and show it once."),
        "list": CommandEntry("haversack.cli.key_list", "List the keys, and when they were used."),
        "revoke": CommandEntry("haversack.cli.key_revoke", "Take a key away."),
    },
)
def command() -> None:
    """Make API keys for programs, and take them away."""
