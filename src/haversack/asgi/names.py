"""Names of hosts and sites, compared as the standards say and not letter by letter.

Source: RFC 9110, 7.2 and 4.2.3; RFC 6454, 4 to 6; RFC 4343 (case); RFC 1034, 3.1 (the last dot);
RFC 5952 (spellings of IPv6).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from haversack.errors import HaversackError

_LAST_PORT = 65_535
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_LONGEST = 253


@dataclass(frozen=True)
class Authority:
    """A host and its port.

    Attributes:
        name: in small letters without the last dot; an address in one spelling, IPv6 in brackets.
        port: None where the scheme's own is meant.
    """

    name: str
    port: int | None = None

    def __str__(self) -> str:
        return self.name if self.port is None else f"{self.name}:{self.port}"


def read_authority(text: str) -> Authority | None:
    """What a Host header, or the like, names; None where it names nothing.

    The port stays as it is written: which one is the default is known with the scheme only.
    """
    if text.startswith("["):
        inside, bracket, rest = text[1:].partition("]")
        name = _ipv6(inside) if bracket else ""
    else:
        plain, colon, port = text.partition(":")
        name, rest = _name(plain), colon + port
    digits = rest.removeprefix(":")
    if not name or (rest and not rest.startswith(":")) or not (digits or "0").isdecimal():
        return None
    if len(digits) > 5 or not digits.isascii() or int(digits or 0) > _LAST_PORT:
        return None
    return Authority(name, int(digits) if digits else None)


def own_authority(text: str) -> Authority:
    """What was given after --allow-host.

    Raises:
        HaversackError: `host-name-invalid`.
    """
    if not text.isascii():
        raise _invalid(text, "Write it as browsers send it, in ASCII: xn--... (Punycode).")
    if "://" in text or "/" in text:
        raise _invalid(text, "Give the name alone, without https:// and without a path.")
    if "*" in text:
        raise _invalid(
            text,
            "Give each name by itself. Left out, a server with accounts or --keys answers to every "
            "name.",
        )
    found = read_authority(text)
    if found is None:
        raise _invalid(text, "Give a name such as cv.example.org, or cv.example.org:8443.")
    # A proxy's own: browsers leave these two out, and what is left out is any.
    is_default = found.port in _PORTS.values()
    return Authority(found.name) if is_default else found


def is_loopback(authority: Authority) -> bool:
    """Whether it is an address of this machine for itself.

    An address, unlike a name, cannot be led here by whoever owns a page.
    """
    try:
        address = ipaddress.ip_address(authority.name.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def read_origin(text: str) -> tuple[str, Authority] | None:
    """Scheme and authority of an Origin header; None for "null" and what is no origin."""
    try:
        scheme, netloc = urlsplit(text)[:2]
    except ValueError:
        return None
    found = read_authority(netloc) if scheme else None
    return (scheme, _without_default(found, scheme)) if found is not None else None


def same_origin(one: str, other: str) -> bool:
    """Whether two origins are one, in any spelling."""
    first = read_origin(one)
    return one == other or (first is not None and first == read_origin(other))


def is_own(origin: str, host: str) -> bool:
    """Whether that origin's pages are those of the server which was called by that Host.

    Not by the scheme: behind a proxy that ends TLS it is not known here.
    """
    found, asked = read_origin(origin), read_authority(host)
    if found is None or asked is None:
        return bool(host) and origin.partition("://")[2] == host
    scheme, authority = found
    return authority == _without_default(asked, scheme)


def _without_default(authority: Authority, scheme: str) -> Authority:
    is_default = authority.port == _PORTS.get(scheme.lower())
    return Authority(authority.name) if is_default else authority


def _name(text: str) -> str:
    """ "" for what is no name."""
    name = text.lower().removesuffix(".")
    return name if len(name) <= _LONGEST and _NAME.fullmatch(name) else ""


def _ipv6(text: str) -> str:
    try:
        return f"[{ipaddress.IPv6Address(text).compressed}]"
    except ValueError:
        return ""


def _invalid(text: str, hint: str) -> HaversackError:
    return HaversackError(
        "host-name-invalid", f"received --allow-host {text[:100]!r}: no name of a host", hint=hint
    )
