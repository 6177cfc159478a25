"""A body may come slowly, and a caller may have few that do."""

from __future__ import annotations

from typing import Any

import pytest

from haversack.asgi.body_rates import BodyRate, BodyRateLimits, Incoming
from haversack.asgi.identity import caller_of
from haversack.asgi.statuses import status_of
from haversack.callers import Principal
from haversack.errors import HaversackError, RetryLaterError

LIMITS = BodyRateLimits(slow_each=2, at_once=4)


def scope(address: str = "192.0.2.1", **more: Any) -> dict[str, Any]:
    return {"headers": [], "client": (address, 1), **more}


def slow(incoming: Incoming, whose: dict[str, Any]) -> BodyRate:
    """A body of which 5 kB came in five seconds."""
    rate = incoming.begin(whose)
    for _ in range(5):
        rate.tell(1.0, 1000)
    return rate


def test_a_caller_may_have_so_many_slow_bodies_and_no_more() -> None:
    incoming = Incoming(LIMITS)
    for _ in range(2):
        slow(incoming, scope())
    with pytest.raises(RetryLaterError) as caught:
        slow(incoming, scope())
    assert caught.value.code == "bodies-too-slow"
    assert status_of(caught.value) == 429
    assert caught.value.retry_after_seconds == 10
    assert "2 bodies of the same caller" in caught.value.message


def test_another_caller_has_his_own() -> None:
    incoming = Incoming(LIMITS)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.2"):
        slow(incoming, scope(address))


def test_a_body_that_ends_makes_room_for_the_next_slow_one() -> None:
    incoming = Incoming(LIMITS)
    bodies = [slow(incoming, scope()) for _ in range(2)]
    bodies[0].end()
    slow(incoming, scope())


def test_a_body_that_comes_quickly_again_is_not_slow_any_more() -> None:
    incoming = Incoming(LIMITS)
    first, second = slow(incoming, scope()), slow(incoming, scope())
    first.tell(5.0, 100_000)
    slow(incoming, scope())
    with pytest.raises(RetryLaterError):
        slow(incoming, scope())
    first.end()
    second.end()


def test_a_body_that_began_quickly_is_slow_as_soon_as_it_stalls() -> None:
    incoming = Incoming(LIMITS)
    for _ in range(2):
        rate = incoming.begin(scope())
        rate.tell(1.0, 50_000_000)
        rate.tell(4.0, 0)
        rate.tell(5.0, 0)
    with pytest.raises(RetryLaterError):
        slow(incoming, scope())


def test_a_burst_over_a_thin_line_is_not_slow() -> None:
    incoming = Incoming(BodyRateLimits())
    # 64 uploads that share 4 Mbit/s, and none of them moves for three seconds now and then.
    for _ in range(64):
        rate = incoming.begin(scope())
        for second in range(60):
            rate.tell(1.0, 0 if second % 5 < 3 else 19_500)


def test_only_bodies_that_are_not_slow_count_for_all_callers_together() -> None:
    incoming = Incoming(LIMITS)
    for number in range(20):
        slow(incoming, scope(f"192.0.2.{number}"))
    quick = [incoming.begin(scope()) for _ in range(4)]
    with pytest.raises(RetryLaterError) as caught:
        incoming.begin(scope())
    assert caught.value.code == "too-busy"
    quick[0].end()
    incoming.begin(scope())


def test_slow_bodies_of_all_callers_together_have_a_limit_too() -> None:
    incoming = Incoming(BodyRateLimits(slow_at_once=5))
    bodies = [slow(incoming, scope(f"192.0.2.{number}")) for number in range(5)]
    with pytest.raises(RetryLaterError) as caught:
        slow(incoming, scope("192.0.2.99"))
    assert caught.value.code == "bodies-too-slow"
    assert "5 bodies of all callers together" in caught.value.message
    incoming.begin(scope()).end()
    bodies[0].tell(5.0, 100_000)
    bodies.append(slow(incoming, scope("192.0.2.99")))
    bodies[1].end()
    slow(incoming, scope("192.0.2.98"))
    with pytest.raises(RetryLaterError):
        slow(incoming, scope("192.0.2.97"))


def test_nothing_for_the_whole_patience_is_too_slow() -> None:
    rate = Incoming(BodyRateLimits()).begin(scope())
    rate.tell(5.0, 100_000_000)
    for _ in range(5):
        assert rate.wait_seconds() == 5
        rate.tell(5.0, 0)
    with pytest.raises(HaversackError) as caught:
        rate.tell(5.0, 0)
    assert caught.value.code == "body-too-slow"


def test_less_than_a_kilobyte_a_second_is_too_slow() -> None:
    rate = Incoming(BodyRateLimits()).begin(scope())
    for _ in range(30):
        rate.tell(1.0, 1000)
    with pytest.raises(HaversackError) as caught:
        rate.tell(1.0, 1000)
    assert caught.value.code == "body-too-slow"
    enough = Incoming(BodyRateLimits()).begin(scope())
    for _ in range(1000):
        enough.tell(1.0, 1025)


def test_a_caller_is_told_by_name_and_else_by_address() -> None:
    everyone = Principal(name="", scopes=frozenset(), is_everyone=True)
    holder = Principal(name="key:lab", scopes=frozenset())
    assert caller_of(scope(principal=holder), trust_proxy=False) == "key:lab"
    assert caller_of(scope(principal=everyone), trust_proxy=False) == "from 192.0.2.1"
    assert caller_of(scope(), trust_proxy=False) == "from 192.0.2.1"
    behind = scope() | {"headers": [(b"x-forwarded-for", b"198.51.100.7, 203.0.113.9")]}
    assert caller_of(behind, trust_proxy=False) == "from 192.0.2.1"
    assert caller_of(behind, trust_proxy=True) == "from 203.0.113.9"


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("192.0.2.1", "from 192.0.2.1"),
        ("2001:db8:1:2:3::4", "from 2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff::", "from 2001:db8:1:2::/64"),
        ("fe80::1", "from fe80::1"),
        ("fe80::1%eth0", "from fe80::1%eth0"),
        ("unknown", "from unknown"),
    ],
)
def test_all_addresses_of_one_network_of_ipv6_are_one_caller(address: str, caller: str) -> None:
    assert caller_of(scope(address), trust_proxy=False) == caller
    behind = scope() | {"headers": [(b"x-forwarded-for", address.encode())]}
    assert caller_of(behind, trust_proxy=True) == caller
