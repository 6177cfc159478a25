"""Who asks, and what they may do."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum

_NETWORK_BITS = 64  # what one household or firm has of IPv6


class Scope(StrEnum):
    """What a key may be good for."""

    INFER = "infer"
    ADMIN = "admin"
    METRICS = "metrics"
    JOBS = "jobs"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who asks, as a room's context found; also in `request.scope["principal"]` from then on.

    Attributes:
        name: of the user, also where a key of theirs was shown; "key:NAME" for any other key; ""
            for everyone. No two of these can be confused, so it is good as an owner's name.
        scopes: what they may do.
        is_everyone: where the server has neither keys nor accounts.
        csrf_token: what a request that changes something must repeat in X-CSRF-Token; "" unless it
            was the browser's cookie that told who asks.
    """

    name: str
    scopes: frozenset[Scope]
    is_everyone: bool = False
    csrf_token: str = field(default="", repr=False)


EVERYONE = Principal(name="", scopes=frozenset(Scope), is_everyone=True)
"""Who asks, of every request to a server that has neither keys nor accounts."""


def network_of(address: str) -> str:
    """The address, of IPv6 its network: who has one of it has all. What is no address stays."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4 or found.is_link_local:
        return str(found)
    return str(ipaddress.ip_network((int(found), _NETWORK_BITS), strict=False))
