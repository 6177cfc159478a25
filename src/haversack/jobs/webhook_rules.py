"""Where webhooks may go, and how they are signed."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from haversack.errors import HaversackError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MARK = "whsec_"
_LEAST_BYTES, _MOST_BYTES = 24, 64  # Source: Standard Webhooks, "Signature scheme"
_LONGEST_URL = 2000
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # Source: RFC 6052


@dataclass(frozen=True, kw_only=True)
class WebhookRules:
    """What a server's owner allows.

    Attributes:
        secret: signs what is sent.
        allowed: private addresses that may be told all the same.
    """

    secret: bytes
    allowed: tuple[Network, ...] = ()

    def check_url(self, url: str) -> SplitResult:
        """The parts of an address that may be told, as far as that shows in it.

        Raises:
            HaversackError: `webhook-refused`.
        """
        fault = _fault_of(url)
        if fault:
            raise refused(url, fault)
        parts = urlsplit(url)
        try:
            literal = ipaddress.ip_address(parts.hostname or "")
        except ValueError:
            return parts
        self.check_address(url, literal)
        return parts

    def check_address(self, url: str, address: Address) -> None:
        """Whether that address may be told. Raises HaversackError `webhook-refused`."""
        real = _real(address)
        if real.is_global and not real.is_multicast:
            return
        if not any(real in network for network in self.allowed if network.version == real.version):
            raise refused(url, f"{address} is no address of the open internet")

    def sign(self, event_id: str, timestamp: int, body: bytes) -> str:
        """The header webhook-signature. Source: Standard Webhooks, "Signature scheme"."""
        content = f"{event_id}.{timestamp}.".encode() + body
        digest = hmac.new(self.secret, content, sha256).digest()
        return f"v1,{base64.b64encode(digest).decode()}"


def read_secret(path: Path) -> bytes:
    """The secret in a file that nobody else may read.

    Raises:
        HaversackError: `webhook-secret-open`, `webhook-secret-invalid`.
    """
    if path.stat().st_mode & 0o077:
        raise HaversackError(
            "webhook-secret-open",
            f"others may read {path}: its mode is {path.stat().st_mode & 0o777:o}",
            hint=f"chmod 600 {path}",
        )
    text = path.read_text(encoding="utf-8").strip()
    try:
        secret = base64.b64decode(text.removeprefix(_MARK), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not text.startswith(_MARK) or not _LEAST_BYTES <= len(secret) <= _MOST_BYTES:
        raise HaversackError(
            "webhook-secret-invalid",
            f"{path} holds no secret: {_MARK} and {_LEAST_BYTES} to {_MOST_BYTES} bytes in base64 "
            "are needed",
            hint=f"Make one: (umask 077; echo {_MARK}$(head -c 32 /dev/urandom | base64) > {path})",
        )
    return secret


def refused(url: str, why: str) -> HaversackError:
    """An address that is not told."""
    return HaversackError(
        "webhook-refused",
        f"the webhook {url[:100]!r} is refused: {why}",
        hint="Give an http or https address that everyone can reach; a private one must be allowed "
        "by the server's owner with --webhook-to.",
    )


def _fault_of(url: str) -> str:
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return f"up to {_LONGEST_URL} printable characters of ASCII are allowed"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as fault:
        return str(fault)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "it must begin with http:// or https:// and a host"
    if parts.username is not None or parts.password is not None:
        return "a name and password in it would be kept; use the path or the signature instead"
    return "port 0 cannot be reached" if port == 0 else ""


def _real(address: Address) -> Address:
    """The address that is meant where IPv6 only carries another."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
