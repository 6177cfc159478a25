"""`haversack pack`: the commands about packs."""

from __future__ import annotations

import click

from haversack.cli.lazy import CommandEntry, LazyGroup


@click.group(
    cls=LazyGroup,
    entries={
        "import": CommandEntry(
            "haversack.cli.pack_import", "Make a pack from a model, and prove it.", "pack"
        ),
        "list": CommandEntry("haversack.cli.pack_list", "List the packs of a repository."),
        "inspect": CommandEntry("haversack.cli.pack_inspect", "Show what a pack is and takes."),
        "verify": CommandEntry("haversack.cli.pack_verify", "Replay a pack's samples and compare."),
        "profile": CommandEntry(
            "haversack.cli.pack_profile", "Measure a pack's memory and latency here."
        ),
        "export": CommandEntry("haversack.cli.pack_export", "Write a pack as one .pack file."),
        "add": CommandEntry(
            "haversack.cli.pack_add", "Put a .pack file or folder into a repository."
        ),
    },
)
def command() -> None:
    """Make, list, inspect and verify packs."""
