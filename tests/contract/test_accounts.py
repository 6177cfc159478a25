"""What accounts promise, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.contract.databases import Postgres

from haversack.accounts.keys import Keys
from haversack.accounts.passwords import GuessCost, Passwords
from haversack.accounts.sessions import IDLE_SECONDS, LONGEST_SECONDS, Sessions
from haversack.accounts.tables import Tables
from haversack.accounts.users import Users
from haversack.database.opening import open_database
from haversack.errors import HaversackError

PASSWORD, OTHER = "correct horse battery", "staple of other words"
BOTH = frozenset({"infer", "jobs"})


class Stores:
    """Accounts in a database, at a time of our own, with passwords that cost nothing."""

    def __init__(self, url: str) -> None:
        self.database = open_database(url)
        self.seconds = 1_000_000.0
        self.derived: list[bytes] = []
        self.tables = Tables(self.database, lambda: self.seconds - self._offset())
        self.users = Users(self.tables, Passwords(self._derive))
        self.sessions = Sessions(self.tables)
        self.keys = Keys(self.tables)

    def _offset(self) -> float:
        return self.database.clock_offset_seconds

    def _derive(self, password: bytes, salt: bytes, cost: GuessCost) -> bytes:
        self.derived.append(password)
        return hashlib.sha256(salt + password).digest()

    def sign_in(self, name: str, address: str = "10.0.0.1") -> str:
        (user,) = (one for one in self.users.listed() if one.name == name)
        session_id = self.sessions.begin(name, user.changed, address)
        assert session_id
        return session_id


Open = Callable[[], Stores]


@pytest.fixture(params=["sqlite", "postgresql"])
def open_stores(
    request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres
) -> Iterator[Open]:
    """Gives stores on one empty database."""
    is_file = request.param == "sqlite"
    url = str(tmp_path / "accounts.sqlite") if is_file else postgres.new_database()
    opened_stores = list[Stores]()

    def opened() -> Stores:
        opened_stores.append(Stores(url))
        return opened_stores[-1]

    yield opened
    for stores in opened_stores:
        stores.database.close()


@pytest.fixture
def stores(open_stores: Open) -> Stores:
    return open_stores()


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(HaversackError) as caught:
        call()
    return caught.value.code


def test_who_was_added_is_found_by_the_right_password_only(stores: Stores) -> None:
    assert not stores.users.any()
    stores.users.add("ada", PASSWORD, BOTH)
    found = stores.users.find("ada", PASSWORD)
    assert found
    assert (found.name, found.scopes, found.created) == ("ada", BOTH, 1_000_000.0)
    for name, password in [
        *(("ada", OTHER), ("ada", ""), ("ada", PASSWORD + " "), ("Ada", PASSWORD)),
        *(("eve", PASSWORD), ("", PASSWORD), ("a\0", PASSWORD), ("ada", "\ud800"), ("ada", "\0")),
    ]:
        assert stores.users.find(name, password) is None, (name, password)


def test_an_unknown_user_costs_what_a_wrong_password_costs(stores: Stores) -> None:
    stores.users.add("ada", PASSWORD, BOTH)
    for name in ("ada", "nobody", "NOT A NAME", "\0"):
        stores.derived.clear()
        assert stores.users.find(name, OTHER) is None
        assert len(stores.derived) == 1, name


def test_no_password_stands_in_the_database(stores: Stores) -> None:
    stores.users.add("ada", PASSWORD, BOTH)
    rows = stores.database.rows("SELECT * FROM account_user", {})
    assert PASSWORD not in str(rows)


def test_a_name_is_taken_once(open_stores: Open) -> None:
    first, second = open_stores(), open_stores()
    first.users.add("ada", PASSWORD, BOTH)
    assert code_of(lambda: second.users.add("ada", OTHER, BOTH)) == "user-exists"
    assert second.users.find("ada", PASSWORD)


def test_of_many_who_add_one_name_at_once_one_succeeds(open_stores: Open) -> None:
    opened_stores = [open_stores() for _ in range(4)]

    def add(number: int) -> str:
        try:
            opened_stores[number].users.add("ada", f"{PASSWORD} {number}", BOTH)
        except HaversackError as error:
            return error.code
        return "added"

    with ThreadPoolExecutor(4) as pool:
        became = list(pool.map(add, range(4)))
    assert sorted(became) == ["added", *["user-exists"] * 3]
    assert opened_stores[0].users.find("ada", f"{PASSWORD} {became.index('added')}")


@pytest.mark.parametrize("name", ["", "Ada", "a b", "ä", "x" * 65, "a/b", "key:ci", "a\n"])
def test_a_name_that_could_be_mistaken_is_refused(stores: Stores, name: str) -> None:
    assert code_of(lambda: stores.users.add(name, PASSWORD, BOTH)) == "account-name-invalid"
    assert code_of(lambda: stores.keys.add(name, BOTH)) == "account-name-invalid"


def test_a_removed_user_is_gone_with_sessions_and_keys(stores: Stores) -> None:
    stores.users.add("ada", PASSWORD, BOTH)
    session_id, secret = stores.sign_in("ada"), stores.keys.add("laptop", BOTH, "ada")
    stores.users.remove("ada")
    assert stores.users.find("ada", PASSWORD) is None
    assert stores.sessions.find(session_id) is None
    assert stores.keys.find(secret) is None
    assert code_of(lambda: stores.users.remove("ada")) == "user-unknown"
    # Whoever has the name next gets nothing of it.
    stores.users.add("ada", OTHER, BOTH)
    assert stores.sessions.find(session_id) is None
    assert stores.keys.find(secret) is None


def test_another_password_signs_out_who_had_the_old_one(stores: Stores) -> None:
    stores.users.add("ada", PASSWORD, BOTH)
    before = stores.users.find("ada", PASSWORD)
    session_id = stores.sign_in("ada")
    stores.seconds += 1
    stores.users.change_password("ada", OTHER)
    assert stores.users.find("ada", PASSWORD) is None
    assert stores.users.find("ada", OTHER)
    assert stores.sessions.find(session_id) is None
    # A sign-in that had just been found right with the old password comes too late.
    assert before
    assert stores.sessions.begin("ada", before.changed, "10.0.0.1") is None
    assert code_of(lambda: stores.users.change_password("eve", OTHER)) == "user-unknown"


def test_other_scopes_hold_at_once_for_sessions_and_keys_that_are_there(stores: Stores) -> None:
    stores.users.add("ada", PASSWORD, BOTH)
    stores.users.add("bob", PASSWORD, BOTH)
    session_id, other = stores.sign_in("ada"), stores.sign_in("bob")
    key = stores.keys.add("hers", BOTH, "ada")
    stores.users.change_scopes("ada", frozenset({"jobs", "admin"}))
    found, hers = stores.sessions.find(session_id), stores.keys.find(key)
    his = stores.sessions.find(other)
    assert found
    assert hers
    assert his
    assert sorted(found.scopes) == ["admin", "jobs"]
    assert (hers.scopes, his.scopes) == (frozenset({"jobs"}), BOTH)
    assert stores.users.find("ada", PASSWORD)
    assert code_of(lambda: stores.users.change_scopes("eve", BOTH)) == "user-unknown"


def test_a_session_holds_for_its_user(stores: Stores) -> None:
    stores.users.add("ada", PASSWORD, BOTH)
    session_id = stores.sign_in("ada", "192.0.2.7")
    found = stores.sessions.find(session_id)
    assert found
    assert (found.user, found.scopes, found.address) == ("ada", BOTH, "192.0.2.7")
    assert stores.sessions.find(session_id + "x") is None
    assert stores.sessions.find("") is None
    rows = stores.database.rows("SELECT * FROM account_session", {})
    assert session_id not in str(rows)


def test_a_session_that_rests_too_long_is_over(stores: Stores) -> None:
    stores.users.add("ada", PASSWORD, BOTH)
    session_id = stores.sign_in("ada")
    stores.seconds += IDLE_SECONDS - 1
    assert stores.sessions.find(session_id)
    stores.seconds += IDLE_SECONDS - 1
    assert stores.sessions.find(session_id)
    stores.seconds += IDLE_SECONDS + 1
    assert stores.sessions.find(session_id) is None
    assert [one.sessions for one in stores.users.listed()] == [0]


def test_a_busy_session_is_over_in_the_end(stores: Stores) -> None:
    stores.users.add("ada", PASSWORD, BOTH)
    session_id = stores.sign_in("ada")
    end = stores.seconds + LONGEST_SECONDS
    while stores.seconds < end:
        assert stores.sessions.find(session_id)
        stores.seconds += 6 * 3600
    assert stores.sessions.find(session_id) is None
    stores.sign_in("ada")
    rows = stores.database.rows("SELECT count(*) FROM account_session", {})
    assert rows[0][0] == 1  # old rows go when new ones come


def test_a_session_ends_and_no_other(stores: Stores) -> None:
    stores.users.add("ada", PASSWORD, BOTH)
    stores.users.add("bob", PASSWORD, BOTH)
    first, second, bobs = (stores.sign_in(name) for name in ("ada", "ada", "bob"))
    assert [one.sessions for one in stores.users.listed()] == [2, 1]
    stores.sessions.end(first)
    assert stores.sessions.find(first) is None
    assert stores.sessions.find(second)
    assert stores.sessions.find(bobs)
    assert [one.sessions for one in stores.users.listed()] == [1, 1]


def test_a_key_is_known_by_its_secret_until_it_is_revoked(stores: Stores) -> None:
    secret = stores.keys.add("ci", frozenset({"infer"}))
    found = stores.keys.find(secret)
    assert found
    assert (found.name, found.owner, found.scopes) == ("ci", "", frozenset({"infer"}))
    assert stores.keys.find(secret[:-1]) is None
    assert secret not in str(stores.database.rows("SELECT * FROM account_key", {}))
    assert code_of(lambda: stores.keys.add("ci", BOTH)) == "key-exists"
    assert stores.keys.any()
    stores.keys.revoke("ci")
    assert stores.keys.find(secret) is None
    assert not stores.keys.any()
    assert code_of(lambda: stores.keys.revoke("ci")) == "key-name-unknown"
    assert stores.keys.find(stores.keys.add("ci", BOTH))
    assert [one.revoked is None for one in stores.keys.listed()].count(False) == 1


def test_a_key_can_do_no_more_than_its_owner(stores: Stores) -> None:
    stores.users.add("ada", PASSWORD, frozenset({"infer"}))
    found = stores.keys.find(stores.keys.add("laptop", frozenset({"infer", "admin"}), "ada"))
    assert found
    assert found.scopes == {"infer"}
    assert code_of(lambda: stores.keys.add("other", BOTH, "eve")) == "user-unknown"


def test_when_a_key_was_used_is_known_to_the_hour(stores: Stores) -> None:
    secret = stores.keys.add("ci", BOTH)
    for wait_seconds, expected in [(0, 1_000_000.0), (600, 1_000_000.0), (3601, 1_004_201.0)]:
        stores.seconds += wait_seconds
        found = stores.keys.find(secret)
        assert found
        stores.keys.mark_used(secret, found)
        assert stores.keys.listed()[0].used == expected
