"""Raw SQL by name, from the .sql files of a room."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)


@cache
def named_statements(package: str, *files: str) -> dict[str, str]:
    """The statements of these files of `package`, each under its `-- name:` line.

    A later file's statement takes the place of an earlier one's of the same name. The one named
    `keys`, which a database has in its own words, stands where others say $keys.
    """
    found: dict[str, str] = {}
    for file in files:
        text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
        parts = _NAME.split(text)
        for name, body in zip(parts[1::2], parts[2::2], strict=True):
            found[name] = _COMMENT.sub("", body).strip().removesuffix(";")
    keys = found.get("keys", "$keys")
    return {name: text.replace("$keys", keys) for name, text in found.items()}
