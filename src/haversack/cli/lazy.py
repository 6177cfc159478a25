"""A group of commands that are imported when they are called, so that --help is quick."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import click

from haversack.errors import HaversackError, Kind


@dataclass(frozen=True)
class CommandEntry:
    """Where a command is, and its line in the group's help.

    The line stands here so that listing commands imports none of them. `extra` names the optional
    dependencies that the module needs.
    """

    module: str
    summary: str
    extra: str = ""


class LazyGroup(click.Group):
    """Commands by name; each lives in its module under the name `command`."""

    def __init__(self, *args: Any, entries: dict[str, CommandEntry], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order a newcomer meets them."""
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command.

        Raises:
            HaversackError: `extra-missing` where its optional dependencies are not installed.
        """
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        try:
            command: click.Command = importlib.import_module(entry.module).command
        except ImportError as fault:
            if not entry.extra:
                raise
            raise HaversackError(
                "extra-missing",
                f"`{ctx.command_path} {cmd_name}` needs what is not installed: {fault}",
                hint=f"Install it with: pip install 'haversack[{entry.extra}]'",
                kind=Kind.UNAVAILABLE,
            ) from fault
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in the help, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self._entries.items()])
