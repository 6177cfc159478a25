"""Passwords come from the terminal, unseen, or from standard input: never from an option.

What stands in a command is seen by everyone on the machine, and kept by the shell.
"""

from __future__ import annotations

import sys

import click

from haversack.errors import HaversackError

stdin_option = click.option(
    "--password-stdin",
    "from_stdin",
    is_flag=True,
    help="Read the password from standard input, its first line.",
)


def read_password(name: str, *, from_stdin: bool) -> str:
    """A new password for somebody.

    Raises:
        HaversackError: `password-missing` where there is no terminal to ask on.
    """
    if from_stdin:
        line = sys.stdin.buffer.readline().decode("utf-8", "surrogateescape")
        return line.removesuffix("\n").removesuffix("\r")
    if not sys.stdin.isatty():
        raise HaversackError(
            "password-missing",
            "there is no terminal to ask for a password on",
            hint="Give it on standard input, with --password-stdin.",
        )
    password: str = click.prompt(
        f"New password for {name}", hide_input=True, confirmation_prompt="The same again", err=True
    )
    return password
