"""Passwords: what is kept, what is refused, what they cost."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from haversack.accounts.passwords import LONGEST, SHORTEST, GuessCost, Passwords, scrypt
from haversack.errors import HaversackError

CHEAP = GuessCost(n=2, r=1, p=1)
WORD = "correct horse battery"


def test_the_cost_is_owasps_and_is_kept_with_the_hash() -> None:
    passwords = Passwords()
    kept = passwords.make(WORD)
    assert kept.startswith("scrypt$16384,8,5$")
    assert passwords.matches(WORD, kept)


def test_scrypt_is_rfc_7914s() -> None:
    # Its third test vector has n=16384, r=8, p=1; the first 32 of its 64 bytes are the same.
    found = scrypt(b"pleaseletmein", b"SodiumChloride", GuessCost(n=16384, r=8, p=1))
    assert found.hex() == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"


def test_what_was_kept_under_another_cost_still_matches() -> None:
    kept = Passwords(cost=CHEAP).make(WORD)
    assert Passwords().matches(WORD, kept)
    assert not Passwords().matches(WORD + "x", kept)


def test_the_same_password_is_kept_differently_each_time() -> None:
    passwords = Passwords(cost=CHEAP)
    assert passwords.make(WORD) != passwords.make(WORD)


@pytest.mark.parametrize("length", [0, 1, SHORTEST - 1, LONGEST + 1])
def test_too_short_and_too_long_ones_are_refused_and_not_repeated(length: int) -> None:
    with pytest.raises(HaversackError) as caught:
        Passwords(cost=CHEAP).make("q" * length)
    assert caught.value.code == "password-weak"
    assert "qq" not in str(caught.value)


def test_the_same_letters_match_however_the_keyboard_makes_them() -> None:
    passwords = Passwords(cost=CHEAP)
    composed = "gr\u00fc\u00dfe und k\u00fcsse"
    assert passwords.matches("gru\u0308\u00dfe und ku\u0308sse", passwords.make(composed))


def test_a_longer_password_than_any_is_not_right_by_its_beginning() -> None:
    passwords = Passwords(cost=CHEAP)
    kept = passwords.make("q" * LONGEST)
    assert not passwords.matches("q" * (LONGEST + 1), kept)
    assert not passwords.matches("q" * 1_000_000, kept)


def test_nobodys_password_is_never_right() -> None:
    passwords = Passwords(derive=lambda password, salt, cost: bytes(32))
    assert not passwords.matches("", None)
    assert not passwords.matches(WORD, None)


def test_one_is_worked_on_at_a_time() -> None:
    inside, most, both = 0, 0, threading.Barrier(2)

    def derive(password: bytes, salt: bytes, cost: GuessCost) -> bytes:
        nonlocal inside, most
        inside += 1
        time.sleep(0)  # lets the other thread in, if it may
        most = max(most, inside)
        inside -= 1
        return password

    passwords = Passwords(derive=derive)

    def ask() -> None:
        both.wait()
        for _ in range(200):
            passwords.matches(WORD, None)

    with ThreadPoolExecutor(2) as pool:
        for asked in [pool.submit(ask), pool.submit(ask)]:
            asked.result()
    assert most == 1
