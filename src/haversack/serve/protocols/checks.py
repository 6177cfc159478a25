"""What is checked in the bodies of either protocol, and how it is told."""

from __future__ import annotations

import base64
import binascii

from haversack.errors import HaversackError

SHOWN = 64
"""Of what was received, as many characters are told back."""


def invalid(message: str, hint: str = "") -> HaversackError:
    """A request that is not what the protocol asks for."""
    return HaversackError("request-invalid", message, hint=hint)


def unbase64(text: object) -> bytes:
    """The bytes in a base64 text. Raises HaversackError `request-invalid`."""
    if not isinstance(text, str):
        raise invalid('binary data stand in JSON as {"b64": "<base64>"}')
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise invalid(f"a b64 value is not base64: {fault}") from fault
