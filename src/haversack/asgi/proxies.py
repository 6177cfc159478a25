"""What is said of a connection by the proxy that took it in our place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MAPPED = "::ffff:"


def is_secure(scope: Mapping[str, Any], headers: Mapping[str, str], *, trust_proxy: bool) -> bool:
    """Whether the browser's connection is encrypted: by TLS here, or before a trusted proxy.

    Of several values the last one counts: the proxy before us wrote it, others may be a caller's.
    """
    if trust_proxy and "x-forwarded-proto" in headers:
        return _last(headers["x-forwarded-proto"]) == "https"
    return scope.get("scheme") == "https"


def address_of(scope: Mapping[str, Any], headers: Mapping[str, str], *, trust_proxy: bool) -> str:
    """The caller's address, or "" where it is not known; of several the last one, as above."""
    if trust_proxy and _last(headers.get("x-forwarded-for", "")):
        return _last(headers["x-forwarded-for"])
    client = scope.get("client")
    # A socket for IPv4 and IPv6 writes the former as the latter: one caller, one address.
    return client[0].removeprefix(_MAPPED) if client else ""


def _last(text: str) -> str:
    return text.rpartition(",")[2].strip().lower()
