"""What is said of a connection by the proxy that took it in our place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers

_MAPPED = "::ffff:"


def is_secure(scope: Mapping[str, Any], headers: Headers, *, trust_proxy: bool) -> bool:
    """Whether the browser's connection is encrypted: by TLS here, or before a trusted proxy.

    Of several values the last one counts: the proxy before us wrote it, others may be a caller's.
    """
    if trust_proxy and "x-forwarded-proto" in headers:
        return _last(headers, "x-forwarded-proto") == "https"
    return scope.get("scheme") == "https"


def address_of(scope: Mapping[str, Any], headers: Headers, *, trust_proxy: bool) -> str:
    """The caller's address, or "" where it is not known; of several the last one, as above."""
    told = _last(headers, "x-forwarded-for") if trust_proxy else ""
    client = scope.get("client")
    address = _without_port(told) if told else client[0] if client else ""
    # A socket for IPv4 and IPv6 writes the former as the latter: one caller, one address.
    return address.removeprefix(_MAPPED)


def _last(headers: Headers, name: str) -> str:
    """A proxy may add to the caller's line, or write one of its own behind it."""
    lines = headers.getlist(name)
    return lines[-1].rpartition(",")[2].strip().lower() if lines else ""


def _without_port(text: str) -> str:
    """Some proxies write 192.0.2.7:5000 and [2001:db8::7]:5000: each connection has another."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host, colon, _ = text.partition(":")
    return text if ":" in text[len(host) + 1 :] or not colon else host
