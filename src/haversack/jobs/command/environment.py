"""What a command has of the worker's environment: all but our settings and what is secret.

A command loads code that nobody here has read; its environment stands in its dumps and, with some
libraries, in their logs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping

_OURS = "HAVERSACK_"
# Of a name, between underscores.
_SECRET_WORDS = frozenset({"AUTH", "CONNECTION", "COOKIE", "DSN", "OLDPWD", "PASS", "PAT", "PWD"})
# Of such a word.
_SECRET_ENDS = tuple(
    word + plural
    for word in ("CREDENTIAL", "KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSFILE", "PHRASE")
    for plural in ("", "S")
)
_WITH_USER = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s]*@", re.IGNORECASE)
_SEARCHED = "PYTHONPATH"


def command_environment(
    worker: Mapping[str, str], given: Mapping[str, str], kept: Collection[str] = ()
) -> dict[str, str]:
    """The environment of a command.

    Left out are HAVERSACK_*, names that speak of a credential or of the worker's folder, and
    addresses with a user or a password in them, whatever their name.

    Args:
        worker: this process's own.
        given: what the command has besides, or in place of the worker's.
        kept: names of the worker's that it has though they would be left out.
    """
    found = {
        name: value for name, value in worker.items() if name in kept or not _is_secret(name, value)
    } | dict(given)
    if _SEARCHED in found:  # the command has another working folder
        folders = found[_SEARCHED].split(os.pathsep)
        found[_SEARCHED] = os.pathsep.join(map(os.path.abspath, filter(None, folders)))
    return found


def _is_secret(name: str, value: str) -> bool:
    words = name.upper().split("_")
    return (
        name.upper().startswith(_OURS)
        or any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDS) for word in words)
        or _WITH_USER.search(value) is not None
    )
