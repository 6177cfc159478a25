"""The accounts as a `Register`: who a key or a session belongs to, looked up off the event loop."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from haversack.accounts.accounts import Accounts
from haversack.accounts.tables import digest_of
from haversack.callers import Principal, Scope

FRESH_SECONDS = 2.0
"""So long a look-up is believed: the longest that a revoked key or ended session still works."""
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, kw_only=True)
class _Known:
    principal: Principal | None
    until: float


class AccountRegister:
    """See `Register` for the promises. Used from the event loop; `close` ends its one thread.

    Args:
        clock: seconds, rising.
    """

    def __init__(self, accounts: Accounts, clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._clock = clock
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="accounts")
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def by_key(self, secret: str) -> Principal | None:
        """Whose key it is. Raises HaversackError `database-away`."""
        return await self._remembered(f"key {digest_of(secret)}", lambda: self._key(secret))

    async def by_session(self, session_id: str) -> Principal | None:
        """Whose session it is. Raises HaversackError `database-away`."""
        name = f"session {digest_of(session_id)}"
        return await self._remembered(name, lambda: self._session(session_id))

    async def has_people(self) -> bool:
        """Whether anybody could sign in. Raises HaversackError `database-away`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._accounts.users.any)

    def forget(self, session_id: str) -> None:
        """Look this session up anew: it was ended here."""
        self._known.pop(f"session {digest_of(session_id)}", None)

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(wait=True)

    async def _remembered(
        self, name: str, find: Callable[[], Principal | None]
    ) -> Principal | None:
        known = self._known.get(name)
        if known is not None and known.until > self._clock():
            return known.principal
        # Told from before the look: what is revoked meanwhile is not believed longer for it.
        until = self._clock() + FRESH_SECONDS
        found = await asyncio.get_running_loop().run_in_executor(self._pool, find)
        self._known[name] = _Known(principal=found, until=until)
        self._known.move_to_end(name)
        while len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        return found

    def _key(self, secret: str) -> Principal | None:
        key = self._accounts.keys.find(secret)
        if key is None:
            return None
        self._accounts.keys.mark_used(secret, key)
        return Principal(name=key.owner or f"key:{key.name}", scopes=_scopes(key.scopes))

    def _session(self, session_id: str) -> Principal | None:
        session = self._accounts.sessions.find(session_id)
        if session is None:
            return None
        return Principal(name=session.user, scopes=_scopes(session.scopes))


def _scopes(words: frozenset[str]) -> frozenset[Scope]:
    """Words that a newer Haversack wrote there mean nothing here."""
    return frozenset(scope for scope in Scope if scope.value in words)
