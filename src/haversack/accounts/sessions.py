"""Sessions: who signed in, and for how long that holds."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from haversack.accounts.tables import Tables, digest_of
from haversack.database.connection import Row, Value

IDLE_SECONDS = 12 * 3600.0
"""Without a request for so long, a session is over: a working day."""
LONGEST_SECONDS = 30 * 86_400.0
"""However busy it is, a session is over then."""
_COARSE_SECONDS = 300.0  # how exactly the last request is known: a write less for each request
_ID_BYTES = 32  # OWASP Session Management Cheat Sheet asks for 8 or more


@dataclass(frozen=True, kw_only=True)
class BrowserSession:
    """One signed-in browser.

    Attributes:
        user: who.
        scopes: of that user, now.
        address: from where they signed in.
        created: seconds since 1970.
        seen: last, to a few minutes.
    """

    user: str
    scopes: frozenset[str]
    address: str
    created: float
    seen: float


def _new_id() -> str:
    return secrets.token_urlsafe(_ID_BYTES)


class Sessions:
    """Sessions, by an id that only its browser knows; sha256 of it is kept.

    Promises: any thread may call. An ended session is found no more once `end` has returned.
    """

    def __init__(self, tables: Tables, new_id: Callable[[], str] = _new_id) -> None:
        self._tables = tables
        self._new_id = new_id

    def begin(self, user: str, changed: float, address: str) -> str | None:
        """The id of a new session.

        Args:
            changed: when the password that was shown was made; None is returned where there is
                another one by now, or no such user.
        """
        now = self._tables.now()
        self._tables.query("drop_old_sessions", oldest(now))
        session_id = self._new_id()
        values: dict[str, Value] = {"digest": digest_of(session_id), "user": user}
        values |= {"address": address, "changed": changed, "now": now}
        self._tables.rows("begin_session", values)
        return session_id if self.find(session_id) else None

    def find(self, session_id: str) -> BrowserSession | None:
        """The session, where it holds; this keeps it awake."""
        now, digest = self._tables.now(), digest_of(session_id)
        rows = self._tables.query("find_session", {"digest": digest, **oldest(now)})
        if not rows:
            return None
        session = _session(rows[0])
        if session.seen < now - _COARSE_SECONDS:
            times: dict[str, Value] = {"now": now, "before": now - _COARSE_SECONDS}
            self._tables.query("touch_session", {**times, "digest": digest})
        return session

    def end(self, session_id: str) -> None:
        """Sign out; nothing happens where there is no such session."""
        self._tables.rows("end_session", {"digest": digest_of(session_id)})


def oldest(now: float) -> dict[str, Value]:
    """When a session that still holds was created, and seen, at the earliest."""
    return {"born": now - LONGEST_SECONDS, "awake": now - IDLE_SECONDS}


def _session(row: Row) -> BrowserSession:
    user, address, created, seen, scopes = row
    return BrowserSession(
        user=user, scopes=frozenset(scopes.split()), address=address, created=created, seen=seen
    )
