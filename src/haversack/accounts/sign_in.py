"""Signing in and out: one password is tried at a time, and not too often."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from haversack.accounts.accounts import Accounts, open_accounts
from haversack.accounts.attempts import Attempts
from haversack.accounts.register import AccountRegister
from haversack.errors import HaversackError, Kind, RetryLaterError
from haversack.units import format_seconds

_MOST_WAITING = 16  # each takes 0.2 s: the last one waits for 3 s
_BUSY_RETRY_SECONDS = 3


def open_sign_in(database_url: str) -> SignIn:
    """People's way in, and programs', by a database. Raises as `open_accounts`."""
    accounts = open_accounts(database_url)
    return SignIn(accounts, AccountRegister(accounts))


class SignIn:
    """Signs people in and out. Used from the event loop; `close` ends its threads.

    Args:
        clock: seconds, rising.
    """

    def __init__(
        self,
        accounts: Accounts,
        register: AccountRegister,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.register = register
        self._accounts = accounts
        self._attempts = Attempts(clock)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def begin(self, user: str, password: str, address: str) -> str:
        """The id of a new session.

        Raises:
            HaversackError: `sign-in-refused`, the same and after the same time for an unknown user
                and a wrong password; `sign-in-limited` after too many of these; `too-busy`.
        """
        self._check(user, address)
        if self._waiting >= _MOST_WAITING:
            raise RetryLaterError(
                "too many people sign in at this moment",
                retry_after_seconds=_BUSY_RETRY_SECONDS,
                hint="Try again in a few seconds.",
            )
        self._waiting += 1
        try:
            async with self._turn:
                # Again: those before may have used up what is borne.
                self._check(user, address)
                session_id = await asyncio.get_running_loop().run_in_executor(
                    self._pool, self._begin, user, password, address
                )
        finally:
            self._waiting -= 1
        if session_id is None:
            self._attempts.failed(user, address)
            raise HaversackError(
                "sign-in-refused",
                "user name and password do not belong together",
                hint="Look whether Caps Lock is on; the server's owner can set a new password.",
                kind=Kind.UNAUTHENTICATED,
            )
        self._attempts.succeeded(user)
        return session_id

    async def end(self, session_id: str) -> None:
        """Sign out; no request gets in by this session any more."""
        await asyncio.get_running_loop().run_in_executor(
            self._pool, self._accounts.sessions.end, session_id
        )
        self.register.forget(session_id)

    def close(self) -> None:
        """End the threads, the register's too, and let go of the database."""
        self._pool.shutdown(wait=True)
        self.register.close()
        self._accounts.close()

    def _begin(self, user: str, password: str, address: str) -> str | None:
        found = self._accounts.users.find(user, password)
        if found is None:
            return None
        return self._accounts.sessions.begin(found.name, found.changed, address)

    def _check(self, user: str, address: str) -> None:
        wait_seconds = math.ceil(self._attempts.wait_seconds(user, address))
        if wait_seconds:
            raise RetryLaterError(
                "too many sign-ins failed for this user name, or from this address",
                retry_after_seconds=wait_seconds,
                hint=f"Try again in {format_seconds(wait_seconds)}.",
                code="sign-in-limited",
            )
