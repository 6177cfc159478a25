"""The session's cookie, the token against forged requests, and what a proxy says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from haversack.asgi.access import AccessRules
from haversack.asgi.cookies import (
    PLAIN,
    SECURE,
    check_not_forged,
    csrf_token,
    session_id_in,
    set_cookie,
)
from haversack.asgi.identity import recognised
from haversack.asgi.proxies import address_of, is_secure
from haversack.callers import Principal, Scope
from haversack.errors import HaversackError

TOKEN = csrf_token("an id")
ADA = Principal(name="ada", scopes=frozenset({Scope.INFER}))
SIGNED_IN = Principal(name="ada", scopes=frozenset({Scope.INFER}), csrf_token=TOKEN)
OWN = {"host": "here:8000", "origin": "http://here:8000"}


def said(*pairs: tuple[str, str]) -> Headers:
    return Headers(raw=[(name.encode(), value.encode()) for name, value in pairs])


def code(principal: Principal, method: str, headers: dict[str, str]) -> str:
    try:
        check_not_forged(principal, method, Headers(headers))
    except HaversackError as error:
        return error.code
    return ""


def test_a_cookies_flags() -> None:
    assert set_cookie("x", is_secure=False, seconds=60) == (
        "haversack=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
    )
    assert set_cookie("x", is_secure=True, seconds=60) == (
        "__Host-haversack=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
    )


def test_a_cookie_set_without_tls_is_not_believed_behind_it() -> None:
    headers = {"cookie": f"other=1; {PLAIN}=plain; {SECURE}=secure"}
    assert session_id_in(headers, is_secure=False) == "plain"
    assert session_id_in(headers, is_secure=True) == "secure"
    assert session_id_in({"cookie": f"{PLAIN}=plain"}, is_secure=True) == ""
    assert session_id_in({}, is_secure=False) == ""


@given(st.text(max_size=40))
def test_whatever_a_browser_sends_as_a_cookie_can_be_read(text: str) -> None:
    assert isinstance(session_id_in({"cookie": text}, is_secure=False), str)


def test_the_token_is_the_sessions_and_does_not_tell_its_id() -> None:
    assert csrf_token("an id") == TOKEN != csrf_token("another id")
    assert "an id" not in TOKEN


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "QUERY"])
def test_what_changes_something_by_a_cookie_needs_its_token(method: str) -> None:
    assert code(SIGNED_IN, method, {**OWN, "x-csrf-token": TOKEN}) == ""
    assert code(SIGNED_IN, method, {"x-csrf-token": TOKEN}) == ""  # an old browser names no origin
    for wrong in ("", TOKEN[:-1], TOKEN.upper(), "ä"):
        assert code(SIGNED_IN, method, {**OWN, "x-csrf-token": wrong}) == "csrf-missing"
    assert code(SIGNED_IN, method, OWN) == "csrf-missing"


def test_a_key_needs_no_token_and_reading_needs_none() -> None:
    assert code(ADA, "POST", {}) == ""
    assert code(ADA, "POST", {"origin": "https://evil.org"}) == ""
    for method in ("GET", "HEAD", "OPTIONS"):
        assert code(SIGNED_IN, method, OWN) == ""


@pytest.mark.parametrize(
    "origin", ["null", "https://evil.org", "http://here", "http://here:8001", "http://["]
)
def test_another_origin_gets_nothing_by_a_cookie_even_with_the_token(origin: str) -> None:
    headers = {"host": "here:8000", "origin": origin, "x-csrf-token": TOKEN}
    assert code(SIGNED_IN, "POST", headers) == "origin-refused"
    assert code(SIGNED_IN, "GET", headers) == "origin-refused"


@pytest.mark.parametrize(
    ("scheme", "forwarded", "trusted", "expected"),
    [
        ("http", None, False, False),
        ("https", None, False, True),
        ("http", "https", False, False),
        ("http", "https", True, True),
        ("http", "https, http", True, False),
        ("http", "http, HTTPS", True, True),
        ("https", "http", True, False),
        ("http", None, True, False),
    ],
)
def test_only_a_trusted_proxy_says_that_a_connection_is_secure(
    scheme: str, forwarded: str | None, trusted: bool, expected: bool
) -> None:
    headers = said() if forwarded is None else said(("x-forwarded-proto", forwarded))
    assert is_secure({"scheme": scheme}, headers, trust_proxy=trusted) is expected


def test_only_a_trusted_proxy_says_who_called() -> None:
    scope = {"client": ("10.0.0.1", 5000)}
    headers = said(("x-forwarded-for", "1.2.3.4, 192.0.2.7"))
    assert address_of(scope, headers, trust_proxy=False) == "10.0.0.1"
    assert address_of(scope, headers, trust_proxy=True) == "192.0.2.7"
    empty = said(("x-forwarded-for", " "))
    assert address_of(scope, empty, trust_proxy=True) == "10.0.0.1"
    assert address_of({"client": None}, said(), trust_proxy=False) == ""


def test_a_proxys_own_line_behind_the_callers_counts() -> None:
    headers = said(
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-for", "1.2.3.4, 192.0.2.7"),
        ("x-forwarded-proto", "http"),
    )
    assert address_of({}, headers, trust_proxy=True) == "192.0.2.7"
    assert is_secure({}, headers, trust_proxy=True) is False


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("192.0.2.7:50123", "192.0.2.7"),
        ("[2001:db8::7]:50123", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[::FFFF:192.0.2.7]:5", "192.0.2.7"),
        ("unknown", "unknown"),
    ],
)
def test_a_callers_port_is_no_part_of_his_address(written: str, address: str) -> None:
    headers = said(("x-forwarded-for", f"6.6.6.6, {written}"))
    assert address_of({}, headers, trust_proxy=True) == address


class People:
    """ada's key is `her-key`, her session `her-session`; `away` cannot be told."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def by_key(self, secret: str) -> Principal | None:
        return self._find(secret, "her-key")

    async def by_session(self, session_id: str) -> Principal | None:
        return self._find(session_id, "her-session")

    def _find(self, shown: str, right: str) -> Principal | None:
        self.asked.append(shown)
        if shown == "away":
            raise HaversackError("database-away", "it is gone")
        return ADA if shown == right else None


def who(headers: dict[str, str], people: People) -> Principal | HaversackError | None:
    rules = AccessRules(register=people)
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "scheme": "http", "headers": raw}
    return asyncio.run(recognised(rules, people, scope))


def test_a_key_or_a_cookie_says_who_asks() -> None:
    people = People()
    assert who({"authorization": "Bearer her-key"}, people) == ADA
    found = who({"cookie": "haversack=her-session"}, people)
    assert isinstance(found, Principal)
    assert (found.name, found.csrf_token) == ("ada", csrf_token("her-session"))
    assert who({"cookie": "haversack=other"}, people) is None
    assert who({"authorization": "Bearer other"}, people) is None
    # Each opens its own door only.
    assert who({"authorization": "Bearer her-session"}, people) is None
    assert who({"cookie": "haversack=her-key"}, people) is None


def test_a_key_goes_before_a_cookie_and_nobody_is_not_looked_up() -> None:
    people = People()
    both = {"authorization": "Bearer other", "cookie": "haversack=her-session"}
    assert who(both, people) is None
    people.asked.clear()
    assert who({}, people) is None
    assert who({"cookie": "haversack="}, people) is None
    assert people.asked == []


def test_what_cannot_be_told_is_kept_for_the_route_to_say() -> None:
    found = who({"authorization": "Bearer away"}, People())
    assert isinstance(found, HaversackError)
    assert found.code == "database-away"
