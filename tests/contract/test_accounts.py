"""What accounts promise, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.contract.databases import Postgres

from haversack.accounts.keys import Keys
from haversack.accounts.passwords import Cost, Passwords
from haversack.accounts.sessions import IDLE_SECONDS, LONGEST_SECONDS, Sessions
from haversack.accounts.tables import Tables
from haversack.accounts.users import Users
from haversack.database.connection import open_database
from haversack.errors import HaversackError

PASSWORD, OTHER = "correct horse battery", "staple of other words"
BOTH = frozenset({"infer", "jobs"})


class House:
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

    def _derive(self, password: bytes, salt: bytes, cost: Cost) -> bytes:
        self.derived.append(password)
        return hashlib.sha256(salt + password).digest()

    def sign_in(self, name: str, address: str = "10.0.0.1") -> str:
        (user,) = (one for one in self.users.listed() if one.name == name)
        session_id = self.sessions.begin(name, user.changed, address)
        assert session_id
        return session_id


Open = Callable[[], House]


@pytest.fixture(params=["sqlite", "postgresql"])
def open_house(
    request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres
) -> Iterator[Open]:
    """Gives houses on one empty database."""
    is_file = request.param == "sqlite"
    url = str(tmp_path / "accounts.sqlite") if is_file else postgres.new_database()
    houses = list[House]()

    def opened() -> House:
        houses.append(House(url))
        return houses[-1]

    yield opened
    for house in houses:
        house.database.close()


@pytest.fixture
def house(open_house: Open) -> House:
    return open_house()


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(HaversackError) as caught:
        call()
    return caught.value.code


def test_who_was_added_is_found_by_the_right_password_only(house: House) -> None:
    assert not house.users.any()
    house.users.add("ada", PASSWORD, BOTH)
    found = house.users.find("ada", PASSWORD)
    assert found
    assert (found.name, found.scopes, found.created) == ("ada", BOTH, 1_000_000.0)
    for name, password in [
        *(("ada", OTHER), ("ada", ""), ("ada", PASSWORD + " "), ("Ada", PASSWORD)),
        *(("eve", PASSWORD), ("", PASSWORD), ("a\0", PASSWORD), ("ada", "\ud800"), ("ada", "\0")),
    ]:
        assert house.users.find(name, password) is None, (name, password)


def test_an_unknown_user_costs_what_a_wrong_password_costs(house: House) -> None:
    house.users.add("ada", PASSWORD, BOTH)
    for name in ("ada", "nobody", "NOT A NAME", "\0"):
        house.derived.clear()
        assert house.users.find(name, OTHER) is None
        assert len(house.derived) == 1, name


def test_no_password_stands_in_the_database(house: House) -> None:
    house.users.add("ada", PASSWORD, BOTH)
    rows = house.database.rows("SELECT * FROM account_user", {})
    assert PASSWORD not in str(rows)


def test_a_name_is_taken_once(open_house: Open) -> None:
    first, second = open_house(), open_house()
    first.users.add("ada", PASSWORD, BOTH)
    assert code_of(lambda: second.users.add("ada", OTHER, BOTH)) == "user-exists"
    assert second.users.find("ada", PASSWORD)


def test_of_many_who_add_one_name_at_once_one_succeeds(open_house: Open) -> None:
    houses = [open_house() for _ in range(4)]

    def add(number: int) -> str:
        try:
            houses[number].users.add("ada", f"{PASSWORD} {number}", BOTH)
        except HaversackError as error:
            return error.code
        return "added"

    with ThreadPoolExecutor(4) as pool:
        became = list(pool.map(add, range(4)))
    assert sorted(became) == ["added", *["user-exists"] * 3]
    assert houses[0].users.find("ada", f"{PASSWORD} {became.index('added')}")


@pytest.mark.parametrize("name", ["", "Ada", "a b", "ä", "x" * 65, "a/b", "key:ci", "a\n"])
def test_a_name_that_could_be_mistaken_is_refused(house: House, name: str) -> None:
    assert code_of(lambda: house.users.add(name, PASSWORD, BOTH)) == "account-name-invalid"
    assert code_of(lambda: house.keys.add(name, BOTH)) == "account-name-invalid"


def test_a_removed_user_is_gone_with_sessions_and_keys(house: House) -> None:
    house.users.add("ada", PASSWORD, BOTH)
    session_id, secret = house.sign_in("ada"), house.keys.add("laptop", BOTH, "ada")
    house.users.remove("ada")
    assert house.users.find("ada", PASSWORD) is None
    assert house.sessions.find(session_id) is None
    assert house.keys.find(secret) is None
    assert code_of(lambda: house.users.remove("ada")) == "user-unknown"
    # Whoever has the name next gets nothing of it.
    house.users.add("ada", OTHER, BOTH)
    assert house.sessions.find(session_id) is None
    assert house.keys.find(secret) is None


def test_another_password_signs_out_who_had_the_old_one(house: House) -> None:
    house.users.add("ada", PASSWORD, BOTH)
    before = house.users.find("ada", PASSWORD)
    session_id = house.sign_in("ada")
    house.seconds += 1
    house.users.change_password("ada", OTHER)
    assert house.users.find("ada", PASSWORD) is None
    assert house.users.find("ada", OTHER)
    assert house.sessions.find(session_id) is None
    # A sign-in that had just been found right with the old password comes too late.
    assert before
    assert house.sessions.begin("ada", before.changed, "10.0.0.1") is None
    assert code_of(lambda: house.users.change_password("eve", OTHER)) == "user-unknown"


def test_other_scopes_hold_at_once_for_sessions_and_keys_that_are_there(house: House) -> None:
    house.users.add("ada", PASSWORD, BOTH)
    house.users.add("bob", PASSWORD, BOTH)
    session_id, other = house.sign_in("ada"), house.sign_in("bob")
    key = house.keys.add("hers", BOTH, "ada")
    house.users.change_scopes("ada", frozenset({"jobs", "admin"}))
    found, hers = house.sessions.find(session_id), house.keys.find(key)
    his = house.sessions.find(other)
    assert found
    assert hers
    assert his
    assert sorted(found.scopes) == ["admin", "jobs"]
    assert (hers.scopes, his.scopes) == (frozenset({"jobs"}), BOTH)
    assert house.users.find("ada", PASSWORD)
    assert code_of(lambda: house.users.change_scopes("eve", BOTH)) == "user-unknown"


def test_a_session_holds_for_its_user(house: House) -> None:
    house.users.add("ada", PASSWORD, BOTH)
    session_id = house.sign_in("ada", "192.0.2.7")
    found = house.sessions.find(session_id)
    assert found
    assert (found.user, found.scopes, found.address) == ("ada", BOTH, "192.0.2.7")
    assert house.sessions.find(session_id + "x") is None
    assert house.sessions.find("") is None
    rows = house.database.rows("SELECT * FROM account_session", {})
    assert session_id not in str(rows)


def test_a_session_that_rests_too_long_is_over(house: House) -> None:
    house.users.add("ada", PASSWORD, BOTH)
    session_id = house.sign_in("ada")
    house.seconds += IDLE_SECONDS - 1
    assert house.sessions.find(session_id)
    house.seconds += IDLE_SECONDS - 1
    assert house.sessions.find(session_id)
    house.seconds += IDLE_SECONDS + 1
    assert house.sessions.find(session_id) is None
    assert house.sessions.listed("ada") == []


def test_a_busy_session_is_over_in_the_end(house: House) -> None:
    house.users.add("ada", PASSWORD, BOTH)
    session_id = house.sign_in("ada")
    end = house.seconds + LONGEST_SECONDS
    while house.seconds < end:
        assert house.sessions.find(session_id)
        house.seconds += 6 * 3600
    assert house.sessions.find(session_id) is None
    house.sign_in("ada")
    rows = house.database.rows("SELECT count(*) FROM account_session", {})
    assert rows[0][0] == 1  # old rows go when new ones come


def test_one_session_ends_or_all_of_a_user(house: House) -> None:
    house.users.add("ada", PASSWORD, BOTH)
    house.users.add("bob", PASSWORD, BOTH)
    first, second, bobs = (house.sign_in(name) for name in ("ada", "ada", "bob"))
    assert len(house.sessions.listed("ada")) == 2
    house.sessions.end(first)
    assert house.sessions.find(first) is None
    assert house.sessions.find(second)
    house.sessions.end_all("ada")
    assert house.sessions.find(second) is None
    assert house.sessions.find(bobs)
    assert [one.sessions for one in house.users.listed()] == [0, 1]


def test_a_key_is_known_by_its_secret_until_it_is_revoked(house: House) -> None:
    secret = house.keys.add("ci", frozenset({"infer"}))
    found = house.keys.find(secret)
    assert found
    assert (found.name, found.owner, found.scopes) == ("ci", "", frozenset({"infer"}))
    assert house.keys.find(secret[:-1]) is None
    assert secret not in str(house.database.rows("SELECT * FROM account_key", {}))
    assert code_of(lambda: house.keys.add("ci", BOTH)) == "key-exists"
    assert house.keys.any()
    house.keys.revoke("ci")
    assert house.keys.find(secret) is None
    assert not house.keys.any()
    assert code_of(lambda: house.keys.revoke("ci")) == "key-name-unknown"
    assert house.keys.find(house.keys.add("ci", BOTH))
    assert [one.revoked is None for one in house.keys.listed()].count(False) == 1


def test_a_key_can_do_no_more_than_its_owner(house: House) -> None:
    house.users.add("ada", PASSWORD, frozenset({"infer"}))
    found = house.keys.find(house.keys.add("laptop", frozenset({"infer", "admin"}), "ada"))
    assert found
    assert found.scopes == {"infer"}
    assert code_of(lambda: house.keys.add("other", BOTH, "eve")) == "user-unknown"


def test_when_a_key_was_used_is_known_to_the_hour(house: House) -> None:
    secret = house.keys.add("ci", BOTH)
    for wait_seconds, expected in [(0, 1_000_000.0), (600, 1_000_000.0), (3601, 1_004_201.0)]:
        house.seconds += wait_seconds
        found = house.keys.find(secret)
        assert found
        house.keys.mark_used(secret, found)
        assert house.keys.listed()[0].used == expected
