"""Signing in and looking up, with a real database and passwords that cost nothing."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from haversack.accounts.accounts import Accounts, has_accounts, open_accounts
from haversack.accounts.keys import Keys
from haversack.accounts.passwords import GuessCost, Passwords
from haversack.accounts.register import FRESH_SECONDS, AccountRegister
from haversack.accounts.sessions import Sessions
from haversack.accounts.sign_in import SignIn
from haversack.accounts.tables import Tables
from haversack.accounts.users import Users
from haversack.callers import Scope
from haversack.database.opening import open_database
from haversack.errors import HaversackError

PASSWORD, OTHER = "correct horse battery", "staple of other words"


class Door:
    """A way in to accounts, at a time of our own, that counts what it computes."""

    def __init__(self, path: Path) -> None:
        self.seconds = 0.0
        self.derived = 0
        self.gate = threading.Event()
        self.gate.set()
        database = open_database(str(path))
        tables = Tables(database)
        self.accounts = Accounts(
            database=database,
            users=Users(tables, Passwords(self._derive)),
            sessions=Sessions(tables),
            keys=Keys(tables),
        )
        self.accounts.users.add("ada", PASSWORD, frozenset({"infer", "a-scope-of-tomorrow"}))
        self.derived = 0
        self.register = AccountRegister(self.accounts, lambda: self.seconds)
        self.sign_in = SignIn(self.accounts, self.register, lambda: self.seconds)

    def _derive(self, password: bytes, salt: bytes, cost: GuessCost) -> bytes:
        self.gate.wait(10)
        self.derived += 1
        return hashlib.sha256(salt + password).digest()

    async def code(self, user: str, password: str, address: str = "10.0.0.1") -> str:
        """Of the refusal, or "" for none."""
        try:
            await self.sign_in.begin(user, password, address)
        except HaversackError as error:
            return error.code
        return ""


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path / "accounts.sqlite")
    yield door
    door.gate.set()
    door.sign_in.close()


@pytest.mark.parametrize("user", ["ada", "nobody", "NOT A NAME", ""])
def test_every_refusal_costs_one_password(door: Door, user: str) -> None:
    assert asyncio.run(door.code(user, OTHER)) == "sign-in-refused"
    assert door.derived == 1


def test_a_refusal_for_too_many_costs_none(door: Door) -> None:
    async def ask() -> list[str]:
        return [await door.code("ada", OTHER) for _ in range(12)]

    codes = asyncio.run(ask())
    assert codes == ["sign-in-refused"] * 10 + ["sign-in-limited"] * 2
    assert door.derived == 10
    door.seconds = 901
    assert asyncio.run(door.code("ada", PASSWORD)) == ""


def test_many_at_once_try_no_more_than_one_after_another(door: Door) -> None:
    door.gate.clear()

    async def ask() -> list[str]:
        tasks = [asyncio.create_task(door.code("ada", OTHER)) for _ in range(40)]
        await asyncio.sleep(0)
        door.gate.set()
        return await asyncio.gather(*tasks)

    codes = asyncio.run(ask())
    assert door.derived == codes.count("sign-in-refused") == 10
    assert codes.count("sign-in-limited") == 6
    assert codes.count("too-busy") == 24


def test_the_event_loop_goes_on_while_a_password_is_computed(door: Door) -> None:
    door.gate.clear()

    async def ask() -> str:
        task = asyncio.create_task(door.code("ada", PASSWORD))
        await asyncio.sleep(0.01)
        assert not task.done()
        door.gate.set()
        return await task

    assert asyncio.run(ask()) == ""


def test_a_session_is_looked_up_once_in_two_seconds(door: Door) -> None:
    async def ask() -> None:
        session_id = await door.sign_in.begin("ada", PASSWORD, "10.0.0.1")
        found = await door.register.by_session(session_id)
        assert found
        assert (found.name, found.scopes) == ("ada", frozenset({Scope.INFER}))
        door.accounts.sessions.end(session_id)
        door.seconds += FRESH_SECONDS - 0.1
        assert await door.register.by_session(session_id) == found
        door.seconds += 0.2
        assert await door.register.by_session(session_id) is None

    asyncio.run(ask())


def test_signing_out_here_counts_at_once(door: Door) -> None:
    async def ask() -> None:
        session_id = await door.sign_in.begin("ada", PASSWORD, "10.0.0.1")
        assert await door.register.by_session(session_id)
        await door.sign_in.end(session_id)
        assert await door.register.by_session(session_id) is None

    asyncio.run(ask())


def test_a_key_tells_its_owner_or_itself_and_when_it_was_used(door: Door) -> None:
    scopes = frozenset({"infer"})
    own, hers = door.accounts.keys.add("ci", scopes), door.accounts.keys.add("x", scopes, "ada")

    async def ask() -> None:
        for secret, name in [(own, "key:ci"), (hers, "ada")]:
            found = await door.register.by_key(secret)
            assert found
            assert found.name == name
        # What opens one door does not open the other.
        assert await door.register.by_session(own) is None

    asyncio.run(ask())
    assert all(key.used is not None for key in door.accounts.keys.listed())


def test_a_file_is_its_owners_alone_also_if_a_server_made_it_first(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "jobs.sqlite"
    assert not has_accounts(str(path))
    assert not path.exists()
    path.parent.mkdir()
    path.touch(0o644)
    path.chmod(0o644)
    open_accounts(str(path)).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert not has_accounts(str(path))
    accounts = open_accounts(str(path))
    accounts.keys.add("ci", frozenset({"infer"}))
    accounts.close()
    assert has_accounts(str(path))
