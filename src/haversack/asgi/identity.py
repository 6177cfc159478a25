"""Who asks: the holder of the key, or of the session, that a request shows."""

from __future__ import annotations

from dataclasses import replace

from starlette.datastructures import Headers
from starlette.types import Scope

from haversack.asgi.access import AccessRules, Register, key_holder, shown_key
from haversack.asgi.cookies import csrf_token, session_id_in
from haversack.asgi.proxies import address_of, is_secure
from haversack.callers import Principal, network_of
from haversack.errors import HaversackError


async def recognised(
    rules: AccessRules, register: Register, scope: Scope
) -> Principal | HaversackError | None:
    """The principal; None for nobody who is known; an error where nobody can tell now.

    An error is not raised, because what everyone may ask, such as whether we live, is answered all
    the same. A key goes before a cookie, which a browser sends by itself.
    """
    headers = Headers(scope=scope)
    authorization = headers.get("authorization", "")
    secret = shown_key(authorization)
    try:
        if secret:
            return key_holder(rules, authorization) or await register.by_key(secret)
        secure = is_secure(scope, headers, trust_proxy=rules.trust_proxy)
        session_id = session_id_in(headers, is_secure=secure)
        found = await register.by_session(session_id) if session_id else None
        return found and replace(found, csrf_token=csrf_token(session_id))
    except HaversackError as error:
        return error


def caller_of(scope: Scope, *, trust_proxy: bool) -> str:
    """Whose request it is, for limits on one caller: a user's or key's name, else a network."""
    principal = scope.get("principal")
    if isinstance(principal, Principal) and principal.name:
        return principal.name
    # A user may be called like an address: no name has a space in it.
    address = address_of(scope, Headers(scope=scope), trust_proxy=trust_proxy)
    return f"from {network_of(address)}"
