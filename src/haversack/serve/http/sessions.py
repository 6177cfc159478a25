"""The session over HTTP: sign in, who am I, sign out."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from haversack.accounts.sessions import LONGEST_SECONDS
from haversack.accounts.sign_in import SignIn
from haversack.asgi.access import key_holder
from haversack.asgi.bodies import BodyLimit
from haversack.asgi.cookies import check_not_forged, check_own_page, session_id_in, set_cookie
from haversack.asgi.errors import json_response
from haversack.asgi.proxies import address_of, is_secure
from haversack.callers import EVERYONE, Principal
from haversack.errors import HaversackError, Kind
from haversack.serve.http.context import Context

_MOST_BYTES = 8 << 10
_FRESH = {"Cache-Control": "no-store"}


class _Given(msgspec.Struct, kw_only=True, frozen=True):
    user: str
    password: str


_decoder = msgspec.json.Decoder(_Given)


class SessionRoutes:
    """The endpoint /session."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def begin(self, request: Request) -> Response:
        """POST /session: user name and password for a cookie."""
        sign_in = self._sign_in()
        # Another site could otherwise sign its visitor in under a name of its own.
        check_own_page(request.headers)
        given = await self._given(request)
        trusts = self._context.rules.trust_proxy
        address = address_of(request.scope, request.headers, trust_proxy=trusts)
        session_id = await sign_in.begin(given.user, given.password, address)
        before = session_id_in(request.headers, is_secure=self._is_secure(request))
        if before:
            # The browser forgets it now, so nobody else shall have it either.
            await sign_in.end(before)
        return self._answer(request, session_id, LONGEST_SECONDS)

    async def show(self, request: Request) -> Response:
        """GET /session: who asks, and whether people sign in here."""
        sign_in, known = self._context.sign_in, self._known(request)
        answer = {
            "sign_in": sign_in is not None and await sign_in.register.has_people(),
            "name": known.name if known and not known.is_everyone else None,
            "scopes": sorted(known.scopes) if known else [],
            "csrf_token": (known.csrf_token if known else "") or None,
        }
        return json_response(answer, headers=_FRESH)

    async def end(self, request: Request) -> Response:
        """DELETE /session: the cookie is good for nothing from now on."""
        known = self._known(request)
        if known is not None:
            check_not_forged(known, request.method, request.headers)
        if self._context.sign_in is not None:
            session_id = session_id_in(request.headers, is_secure=self._is_secure(request))
            if session_id:
                await self._context.sign_in.end(session_id)
        return self._answer(request, "", 0)

    def _sign_in(self) -> SignIn:
        if self._context.sign_in is None:
            raise HaversackError(
                "accounts-off",
                "nobody signs in at this server: it was started without accounts",
                hint="haversack user add NAME, and start it again.",
                kind=Kind.NOT_FOUND,
            )
        return self._context.sign_in

    def _known(self, request: Request) -> Principal | None:
        rules = self._context.rules
        if not rules.is_guarded:
            return EVERYONE
        known = request.scope.get("principal")
        if isinstance(known, HaversackError):
            raise known
        found: Principal | None = known
        return found or key_holder(rules, request.headers.get("authorization", ""))

    async def _given(self, request: Request) -> _Given:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise HaversackError(
                "media-type-unsupported",
                f"received a body of type {media_type[:80] or 'unknown'!r}; a sign-in is "
                "application/json",
                kind=Kind.UNSUPPORTED,
            )
        limit = BodyLimit(limit_bytes=_MOST_BYTES)
        async with self._context.bodies.receive(request, limit) as body:
            try:
                return _decoder.decode(body.read())
            except (msgspec.DecodeError, UnicodeDecodeError) as fault:
                # The decoder's own words could repeat a part of the password.
                raise HaversackError(
                    "request-invalid",
                    'a sign-in is {"user": "...", "password": "..."}; this is not',
                ) from fault

    def _answer(self, request: Request, session_id: str, seconds: float) -> Response:
        cookie = set_cookie(session_id, is_secure=self._is_secure(request), seconds=seconds)
        return Response(status_code=204, headers={**_FRESH, "Set-Cookie": cookie})

    def _is_secure(self, request: Request) -> bool:
        trusts = self._context.rules.trust_proxy
        return is_secure(request.scope, request.headers, trust_proxy=trusts)
