"""The cookie of a session, and what keeps other sites from using it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256

from starlette.requests import cookie_parser

from haversack.asgi.names import is_own
from haversack.callers import Principal
from haversack.errors import HaversackError, Kind

PLAIN, SECURE = "haversack", "__Host-haversack"
"""Names without and with TLS.

A browser takes `__Host-` only over TLS, for this host alone and for every path, so no other host
can plant it. Source: RFC 6265bis, 4.1.3.
"""
CSRF_HEADER = "X-CSRF-Token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def session_id_in(headers: Mapping[str, str], *, is_secure: bool) -> str:
    """The session's id that the browser sends, or ""."""
    return cookie_parser(headers.get("cookie", "")).get(SECURE if is_secure else PLAIN, "")


def set_cookie(session_id: str, *, is_secure: bool, seconds: float) -> str:
    """The header that has a browser keep the id; "" and 0 seconds make it forget."""
    name, ending = (SECURE, "; Secure") if is_secure else (PLAIN, "")
    flags = f"Path=/; Max-Age={int(seconds)}; HttpOnly; SameSite=Strict{ending}"
    return f"{name}={session_id}; {flags}"


def csrf_token(session_id: str) -> str:
    """What only a page of ours can know: made from the id, which no page can read.

    Source: OWASP Cross-Site Request Forgery Prevention Cheat Sheet, HMAC-based tokens; the id's 256
    random bits are the secret.
    """
    return hmac.new(session_id.encode(), b"haversack csrf", sha256).hexdigest()


def check_not_forged(principal: Principal, method: str, headers: Mapping[str, str]) -> None:
    """Refuse what another site's page may ask by the cookie of somebody who visits it.

    Raises:
        HaversackError: `origin-refused`; `csrf-missing` for a request that changes something.
    """
    if not principal.csrf_token:
        return
    check_own_page(headers)
    given = headers.get(CSRF_HEADER, "").encode("latin-1")
    if method in _SAFE or hmac.compare_digest(given, principal.csrf_token.encode()):
        return
    raise HaversackError(
        "csrf-missing",
        f"a request by a session's cookie needs the session's token in the header {CSRF_HEADER}",
        hint="GET /session has the token; programs use an API key instead.",
        kind=Kind.FORBIDDEN,
    )


def check_own_page(headers: Mapping[str, str]) -> None:
    """Refuse a page that is not ours, whatever --allow-origin says: cookies are for our own.

    Raises:
        HaversackError: `origin-refused`.
    """
    origin = headers.get("origin", "")
    if origin and not is_own(origin, headers.get("host", "")):
        raise HaversackError(
            "origin-refused",
            f"pages of {origin[:100]} may not use this server's sessions",
            hint="Let them send an API key. Behind a proxy the header Host must be the browser's.",
            kind=Kind.FORBIDDEN,
        )
