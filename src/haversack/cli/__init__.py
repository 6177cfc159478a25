"""The command line: one file a command, imported when it is called."""

from haversack.cli.main import main

__all__ = ["main"]
