"""How many passwords may be tried."""

from __future__ import annotations

import pytest

from haversack.accounts.attempts import AttemptLimits, Attempts

LIMITS = AttemptLimits(per_user=3, per_address=5, window_seconds=100)


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock, LIMITS)


def test_a_user_is_guessed_at_so_often_and_then_has_to_wait(
    attempts: Attempts, clock: Clock
) -> None:
    for at in (0.0, 10.0, 20.0):
        clock.seconds = at
        assert attempts.wait_seconds("ada", f"10.0.0.{int(at)}") == 0
        attempts.failed("ada", f"10.0.0.{int(at)}")
    assert attempts.wait_seconds("ada", "10.9.9.9") == 80
    assert attempts.wait_seconds("bob", "10.9.9.9") == 0
    clock.seconds = 100
    assert attempts.wait_seconds("ada", "10.9.9.9") == 0
    attempts.failed("ada", "10.9.9.9")
    assert attempts.wait_seconds("ada", "10.9.9.9") == 10


def test_an_address_may_not_go_through_the_names(attempts: Attempts) -> None:
    for number in range(5):
        attempts.failed(f"user{number}", "10.0.0.1")
    assert attempts.wait_seconds("someone", "10.0.0.1") == 100
    assert attempts.wait_seconds("someone", "10.0.0.2") == 0


def test_a_network_of_ipv6_counts_as_one_address(attempts: Attempts) -> None:
    for number in range(5):
        attempts.failed(f"user{number}", f"2001:db8::{number}")
    assert attempts.wait_seconds("someone", "2001:db8::ffff") == 100
    assert attempts.wait_seconds("someone", "2001:db8:0:1::1") == 0


def test_success_forgets_the_users_failures_and_not_the_addresss(attempts: Attempts) -> None:
    for _ in range(2):
        attempts.failed("ada", "10.0.0.1")
    attempts.succeeded("ada")
    for _ in range(2):
        attempts.failed("ada", "10.0.0.1")
    assert attempts.wait_seconds("ada", "10.0.0.2") == 0
    attempts.failed("bob", "10.0.0.1")
    assert attempts.wait_seconds("carol", "10.0.0.1") == 100


def test_unknown_names_and_addresses_count_like_known_ones(attempts: Attempts) -> None:
    for name, address in [("\0", "testclient"), ("x" * 9999, ""), ("", "fe80::1%eth0")]:
        for _ in range(3):
            attempts.failed(name, address)
        assert attempts.wait_seconds(name, "10.0.0.1") == 100


def test_what_is_remembered_has_a_limit(clock: Clock) -> None:
    attempts = Attempts(clock, LIMITS)
    for _ in range(3):
        attempts.failed("ada", "10.0.0.1")
    for number in range(30_000):
        attempts.failed(f"u{number}", f"10.1.{number // 250}.{number % 250}")
    assert attempts.wait_seconds("ada", "10.0.0.9") == 0
