"""One POST to an address that was checked, and to no other: no second look-up, no redirect."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult

from haversack.errors import HaversackError, Kind
from haversack.jobs.webhook_rules import WebhookRules, refused

Resolve = Callable[[str, int], list[str]]
"""Addresses of a host, as text. Raises OSError."""

_TIMEOUT_SECONDS = 10.0
_WHOLE_SECONDS = 20.0
_PORTS = {"http": 80, "https": 443}


def resolve(host: str, port: int) -> list[str]:
    """By the system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    rules: WebhookRules,
    look_up: Resolve = resolve,
) -> int:
    """The status that was answered; what comes with it is not read.

    Raises:
        HaversackError: `webhook-refused` where any address of the host is not allowed;
            `webhook-unanswered`.
    """
    parts = rules.check_url(url)
    port = parts.port or _PORTS[parts.scheme]
    try:
        addresses = look_up(parts.hostname or "", port)
    except OSError as fault:
        raise _unanswered(url, fault) from fault
    if not addresses:
        raise refused(url, "its host has no address")
    for address in addresses:
        # A name may lead to a private address today that was an open one yesterday.
        rules.check_address(url, ipaddress.ip_address(address.partition("%")[0]))
    connection = _Connection(parts, (addresses[0], port))
    watch = threading.Timer(_WHOLE_SECONDS, connection.cut)
    watch.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as fault:
        raise _unanswered(url, fault) from fault
    finally:
        watch.cancel()
        connection.close()


class _Connection(http.client.HTTPConnection):
    """To one address; Host and certificate are the name's."""

    def __init__(self, parts: SplitResult, place: tuple[str, int]) -> None:
        super().__init__(parts.hostname or "", parts.port or place[1], timeout=_TIMEOUT_SECONDS)
        self._is_secure = parts.scheme == "https"
        self._place = place
        if self._is_secure:
            self.default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        """Without looking the name up again."""
        self.sock = socket.create_connection(self._place, _TIMEOUT_SECONDS)
        if self._is_secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)

    def cut(self) -> None:
        """End the connection: a receiver that sends a byte now and then must not hold a thread."""
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


def _unanswered(url: str, fault: Exception) -> HaversackError:
    return HaversackError(
        "webhook-unanswered",
        f"{url[:100]} did not answer: {fault}",
        kind=Kind.UNAVAILABLE,
    )
