"""`haversack user`: the commands about people who may sign in."""

from __future__ import annotations

import click

from haversack.cli.lazy import CommandEntry, LazyGroup


@click.group(
    cls=LazyGroup,
    entries={
        "add": CommandEntry("haversack.cli.user_add", "Let somebody sign in."),
        "list": CommandEntry("haversack.cli.user_list", "List who may sign in."),
        "remove": CommandEntry(
            "haversack.cli.user_remove", "Take somebody away, with sessions and keys."
        ),
        "scopes": CommandEntry("haversack.cli.user_scopes", "Change what somebody may do."),
        "password": CommandEntry("haversack.cli.user_password", "Set another password."),
    },
)
def command() -> None:
    """Say who may sign in to a server with a user name and a password."""
