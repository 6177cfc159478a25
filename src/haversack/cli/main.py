"""`haversack`: the group of all commands, and what becomes of their errors."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from haversack.cli.exits import FAILED, INTERRUPTED, exit_code
from haversack.cli.lazy import CommandEntry, LazyGroup
from haversack.errors import HaversackError
from haversack.permissions import not_permitted
from haversack.version import __version__


@click.group(
    cls=LazyGroup,
    entries={
        "demo": CommandEntry("haversack.cli.demo", "Draw aerial photos, find the animals in them."),
        "predict": CommandEntry("haversack.cli.predict", "Say what is in photos."),
        "serve": CommandEntry(
            "haversack.cli.serve", "Serve packs: a page, and an API for programs."
        ),
        "jobs": CommandEntry(
            "haversack.cli.jobs", "Send photos as jobs; see, cancel and retry them."
        ),
        "worker": CommandEntry(
            "haversack.cli.worker", "Do jobs beside a server, or on other machines."
        ),
        "user": CommandEntry("haversack.cli.user", "Say who may sign in to a server."),
        "key": CommandEntry("haversack.cli.key", "Make and revoke API keys for programs."),
        "survey": CommandEntry(
            "haversack.cli.survey", "Find objects in many large photos, resumable."
        ),
        "pack": CommandEntry("haversack.cli.pack", "Make, list, inspect and verify packs."),
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="haversack")
def group() -> None:
    """Carry a trained model from the notebook to wherever its work is.

    Begin with `haversack demo`: it needs no model, no photos and no network.
    """


def main() -> None:
    """Run the command line and exit with the contract's code."""
    try:
        status = group.main(standalone_mode=False)
    except HaversackError as error:
        report(error)
        status = exit_code(error.kind)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        status = INTERRUPTED
    except BrokenPipeError:
        # The program that read our output has gone: there is no one to write to.
        sys.stdout = None
        status = FAILED
    except PermissionError as error:
        if error.filename is None:
            click.secho(f"error: {error}", fg="red", err=True)
        else:
            report(not_permitted(Path(os.fsdecode(error.filename))))
        status = FAILED
    except OSError as error:
        # A full disk or a folder without permission: the system's own words, and no traceback.
        click.secho(f"error: {error}", fg="red", err=True)
        status = FAILED
    sys.exit(status)


def report(error: HaversackError) -> None:
    """One error on standard error: what was received, what is allowed, the next step."""
    click.secho(f"error: {error.message}", fg="red", err=True)
    for detail in error.details:
        click.echo(f"  - {detail}", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)
