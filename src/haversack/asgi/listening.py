"""Where a server listens: from what was typed to an open socket, and the addresses it has."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Callable
from typing import Any

from haversack.errors import HaversackError, Kind

Create = Callable[..., socket.socket]
_EVERYWHERE, _EVERYWHERE_4 = "::", "0.0.0.0"
_BACKLOG = 2048
_PORT_HINT = "Choose another with --port; 0 takes any that is free."
_EVERY_HINT = f"--host {_EVERYWHERE_4} is every IPv4 address, --host {_EVERYWHERE} IPv4 and IPv6."
# What the system says where it has no IPv6 at all, or none that is switched on.
_NO_IPV6 = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})


def plain_host(text: str) -> str:
    """The address or name in what was typed after --host: without brackets; "" is everywhere.

    Raises:
        HaversackError: `address-unusable` for what is written as something else.
    """
    if not text:
        return _EVERYWHERE_4
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if text == "*":
        raise _misread(text, "no address", _EVERY_HINT)
    if text.startswith("unix:") or "/" in text:
        is_url = "://" in text
        raise _misread(
            text,
            "a URL, and no address" if is_url else "a Unix socket, which this server has not",
            "Give the name or address alone, and the port with --port."
            if is_url
            else "Give an address such as 127.0.0.1 and let the proxy ask its --port.",
        )
    name, colon, port = text.partition(":")
    if colon and port.isdecimal() and not _is_address(text):
        raise _misread(text, "an address with a port", f"Write --host {name} --port {port}.")
    return text


def bind(host: str, port: int, create: Create = socket.create_server) -> socket.socket:
    """A listening socket at an address or name; at `::` for IPv4 too.

    Where the machine has no IPv6, `::` is every IPv4 address.

    Args:
        create: makes the socket, as `socket.create_server` does.

    Raises:
        HaversackError: `port-taken`, `address-unusable`.
    """
    if host != _EVERYWHERE:
        family, address = _resolved(host, port)
        return _opened(host, family, address, create)
    try:
        return _opened(host, socket.AF_INET6, (host, port), create)
    except HaversackError as refusal:
        fault = refusal.__cause__
        if not isinstance(fault, OSError) or fault.errno not in _NO_IPV6:
            raise
    return _opened(_EVERYWHERE_4, socket.AF_INET, (_EVERYWHERE_4, port), create)


def addresses(host: str, listener: socket.socket) -> tuple[str, ...]:
    """The URLs under which a person on this machine reaches the server, the likeliest first."""
    port = listener.getsockname()[1]
    names = [{_EVERYWHERE_4: "127.0.0.1"}.get(host, f"[{host}]" if ":" in host else host)]
    if host == _EVERYWHERE:
        takes_6 = listener.family == socket.AF_INET6
        takes_4 = not takes_6 or not listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        names = ["127.0.0.1"] * takes_4 + ["[::1]"] * takes_6
    return tuple(f"http://{name}:{port}" for name in names)


def _opened(host: str, family: int, address: tuple[Any, ...], create: Create) -> socket.socket:
    port = address[1]
    both = host == _EVERYWHERE and socket.has_dualstack_ipv6()
    try:
        return create(
            address,
            family=family,
            backlog=_BACKLOG,
            dualstack_ipv6=both and family != socket.AF_INET,
        )
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE:
            raise HaversackError(
                "port-taken",
                f"port {port} of {host} is in use by another program",
                hint=_PORT_HINT,
                kind=Kind.UNAVAILABLE,
            ) from fault
        reason, hint = fault.strerror, _PORT_HINT
        if fault.errno == errno.EADDRNOTAVAIL:
            reason, hint = "it is no address of this machine", _EVERY_HINT
        elif fault.errno == errno.EACCES:
            hint = "Ports below 1024 are for root on most systems: choose another with --port."
        raise _unusable(f"cannot listen on {host} port {port}: {reason}", hint) from fault


def _resolved(host: str, port: int) -> tuple[int, tuple[Any, ...]]:
    """Family and address of a name: IPv4 where it has both, as before."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as fault:
        raise _unusable(
            f"no address is known for the name {host!r}",
            f"Give an address of this machine, or localhost. {_EVERY_HINT}",
        ) from fault
    family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, address


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _misread(text: str, what: str, hint: str) -> HaversackError:
    return HaversackError("address-unusable", f"received --host {text!r}: {what}", hint=hint)


def _unusable(message: str, hint: str) -> HaversackError:
    return HaversackError("address-unusable", message, hint=hint, kind=Kind.UNAVAILABLE)
