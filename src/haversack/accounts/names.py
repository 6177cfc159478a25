"""Names of people and keys: what they may look like."""

from __future__ import annotations

import re

from haversack.errors import HaversackError

_NAME = re.compile(r"[a-z0-9._-]{1,64}")


def is_name(text: str) -> bool:
    """Whether a person or a key could have this name."""
    return _NAME.fullmatch(text) is not None


def check_name(text: str) -> None:
    """Raises HaversackError `account-name-invalid`."""
    if not is_name(text):
        raise HaversackError(
            "account-name-invalid",
            f"received the name {text[:80]!r}; a name has 1 to 64 of a-z, 0-9, '.', '_' and '-'",
            hint="Write it in small letters.",
        )
