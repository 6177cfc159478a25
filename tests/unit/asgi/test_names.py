"""Hosts and origins are equal where the standards say so, and in no other case."""

from __future__ import annotations

import pytest

from haversack.asgi.access import LOOPBACK, AccessRules, allowed_origin, check_host
from haversack.asgi.names import Authority, is_own, own_authority, read_authority, same_origin
from haversack.errors import HaversackError


@pytest.mark.parametrize(
    ("text", "name", "port"),
    [
        ("CV.Example.org", "cv.example.org", None),
        ("cv.example.org.", "cv.example.org", None),
        ("cv.example.org:", "cv.example.org", None),
        ("cv.example.org.:8443", "cv.example.org", 8443),
        ("[0:0:0:0:0:0:0:1]:80", "[::1]", 80),
        ("[2001:DB8::0:1]", "[2001:db8::1]", None),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", None),
        ("my_service", "my_service", None),
    ],
)
def test_one_host_has_one_writing(text: str, name: str, port: int | None) -> None:
    assert read_authority(text) == Authority(name, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a..b",
        "a b",
        "::1",
        "[::1",
        "[::1]x",
        "[::g]",
        "a:b",
        "a@b",
        "a:٣",
        "a:123456",
        "ä",
    ],
)
def test_what_names_no_host_is_none(text: str) -> None:
    assert read_authority(text) is None


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://cv.example.org", "cv.example.org"),
        ("https://cv.example.org", "cv.example.org:443"),
        ("https://CV.example.org.", "cv.example.org"),
        ("http://localhost:80", "localhost"),
        ("http://[::1]:8000", "[0:0:0:0:0:0:0:1]:8000"),
        ("http://odd!name:1", "odd!name:1"),
    ],
)
def test_a_page_of_the_same_host_is_ones_own(origin: str, host: str) -> None:
    assert is_own(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("null", ""),
        ("null", "null"),
        ("", ""),
        ("https://cv.example.org", "cv.example.org:80"),
        ("http://cv.example.org", "cv.example.org:443"),
        ("https://cv.example.org:8443", "cv.example.org"),
        ("https://cv.example.org.evil.org", "cv.example.org"),
        ("https://evil.org", "cv.example.org"),
    ],
)
def test_another_host_or_port_is_not(origin: str, host: str) -> None:
    assert not is_own(origin, host)


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("https://example.org:443", "https://Example.org", True),
        ("https://example.org", "http://example.org", False),
        ("null", "null", True),
        ("null", "https://example.org", False),
        ("https://example.org/", "https://example.org", True),
    ],
)
def test_allowed_sites_are_compared_likewise(one: str, other: str, are_same: bool) -> None:
    assert same_origin(one, other) is are_same
    assert allowed_origin(AccessRules(origins=frozenset({one})), other) is are_same


@pytest.mark.parametrize("allowed", ["cv.example.org", "CV.Example.Org.", "cv.example.org:443"])
def test_a_name_without_a_port_of_its_own_is_good_for_any(allowed: str) -> None:
    rules = AccessRules(hosts=LOOPBACK | {str(own_authority(allowed))})
    for host in ("cv.example.org", "cv.example.org:8443", "localhost:1", "127.0.0.2", "[::1]"):
        check_host(rules, host)
    for host in ("example.org", "evil.cv.example.org", "cv.example.org.evil.org", "10.0.0.1", ""):
        with pytest.raises(HaversackError, match="does not answer"):
            check_host(rules, host)


def test_a_name_with_a_port_is_good_for_that_one() -> None:
    rules = AccessRules(hosts=LOOPBACK | {str(own_authority("[2001:db8::0]:8443"))})
    check_host(rules, "[2001:db8::]:8443")
    with pytest.raises(HaversackError) as caught:
        check_host(rules, "[2001:db8::]:9000")
    assert "--allow-host [2001:db8::]" in caught.value.hint


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("https://cv.example.org", "without https://"),
        ("cv.example.org/app", "without a path"),
        ("*", "each name by itself"),
        ("*.example.org", "each name by itself"),
        ("bücher.example", "xn--"),
        ("", "cv.example.org"),
        ("a b", "cv.example.org"),
        ("cv.example.org:99999", "cv.example.org"),
    ],
)
def test_what_is_no_name_is_refused_at_the_start(given: str, hint: str) -> None:
    with pytest.raises(HaversackError) as caught:
        own_authority(given)
    assert caught.value.code == "host-name-invalid"
    assert hint in caught.value.hint
