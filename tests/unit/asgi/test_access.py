"""Who may ask for what, decided from a file of keys and from what a browser says."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.asgi.access import (
    LOOPBACK,
    AccessRules,
    Key,
    allowed_origin,
    check_host,
    check_key,
    check_origin,
    read_keys,
)
from haversack.callers import Scope
from haversack.errors import HaversackError

SECRET, OTHER = "0123456789abcdef", "fedcba9876543210"
OPEN = AccessRules()
LOCAL = AccessRules(hosts=LOOPBACK)


def key(secret: str, *scopes: Scope) -> Key:
    return Key(name="user", digest=sha256(secret.encode()).digest(), scopes=frozenset(scopes))


KEYED = AccessRules(keys=(key(SECRET, Scope.INFER), key(OTHER, Scope.INFER, Scope.ADMIN)))


def write(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path = folder / "keys"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def test_a_line_is_a_name_a_key_and_perhaps_scopes(tmp_path: Path) -> None:
    text = f"# ours\n\n  user:{SECRET}\nowner:{OTHER}:infer,admin\nboard:{SECRET}x:metrics\n"
    user, owner, board = read_keys(write(tmp_path, text))
    assert user == Key(
        name="user",
        digest=sha256(SECRET.encode()).digest(),
        scopes=frozenset({Scope.INFER}),
    )
    assert owner.name == "owner"
    assert owner.scopes == {Scope.INFER, Scope.ADMIN}
    assert board.scopes == {Scope.METRICS}
    assert SECRET not in repr(user)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_that_only_its_owner_reads_is_taken(tmp_path: Path, mode: int) -> None:
    assert len(read_keys(write(tmp_path, f"user:{SECRET}\n", mode))) == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o601])
def test_a_file_that_others_reach_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(HaversackError) as caught:
        read_keys(write(tmp_path, f"user:{SECRET}\n", mode))
    assert caught.value.code == "keys-file-open"
    assert f"{mode:04o}" in caught.value.message
    assert "chmod 600" in caught.value.hint


def test_every_wrong_line_is_named_and_no_key_is_shown(tmp_path: Path) -> None:
    text = f"user\n:{SECRET}\nshort:abc\ngood:{SECRET}\nbad:{SECRET}:infer,cook\n{SECRET}\n"
    with pytest.raises(HaversackError) as caught:
        read_keys(write(tmp_path, text))
    assert [line.split(":")[0] for line in caught.value.details] == [
        *("line 1", "line 2", "line 3", "line 5", "line 6")
    ]
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"# none\n", b"\n\n", b"\xff\xfe\x00"])
def test_a_file_without_a_key_is_refused(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(HaversackError) as caught:
        read_keys(write(tmp_path, text))
    assert caught.value.code == "keys-file-invalid"


def test_the_scopes_are_these_four() -> None:
    # Part of the contract: a keys file that works today works tomorrow.
    assert [*Scope] == ["infer", "admin", "metrics", "jobs"]


def code(rules: AccessRules, authorization: str, scope: Scope) -> str:
    try:
        check_key(rules, authorization, scope)
    except HaversackError as error:
        return "told" if SECRET in str(error) else error.code
    return ""


@pytest.mark.parametrize("scope", Scope)
def test_without_keys_everyone_may_ask_for_everything(scope: Scope) -> None:
    assert code(OPEN, "", scope) == ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "key-missing"),
        (SECRET, "key-missing"),
        (f"Basic {SECRET}", "key-missing"),
        ("Bearer", "key-missing"),
        ("Bearer ", "key-missing"),
        (f"Bearer {SECRET}x", "key-unknown"),
        (f"Bearer {SECRET[:-1]}", "key-unknown"),
        (f"Bearer {SECRET.upper()}", "key-unknown"),
        (f"Bearer {SECRET} {OTHER}", "key-unknown"),
        (f"Bearer {SECRET}", ""),
        (f"bearer   {SECRET} ", ""),
    ],
)
def test_a_key_is_a_bearers(given: str, expected: str) -> None:
    assert code(KEYED, given, Scope.INFER) == expected


def test_a_key_is_good_for_its_scopes() -> None:
    assert code(KEYED, f"Bearer {SECRET}", Scope.ADMIN) == "scope-missing"
    assert code(KEYED, f"Bearer {OTHER}", Scope.ADMIN) == ""
    assert code(KEYED, f"Bearer {OTHER}", Scope.METRICS) == "scope-missing"


@given(st.text())
def test_whatever_is_shown_as_a_key_opens_nothing(text: str) -> None:
    assert code(KEYED, text, Scope.INFER) in ("key-missing", "key-unknown")
    assert code(KEYED, f"Bearer x{text}", Scope.INFER) in ("key-missing", "key-unknown")


def host_passes(host: str, rules: AccessRules = LOCAL) -> bool:
    try:
        check_host(rules, host)
    except HaversackError as error:
        if error.code != "host-refused":
            raise
        return False
    return True


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:8000"],
)
def test_this_machines_own_names_pass_with_any_port_and_case(host: str) -> None:
    assert host_passes(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.org", "evil.org:80", "localhost.evil.org", "127.0.0.1.evil.org", "[::2]"),
        *("::1", "localhost@evil.org", "127.0.0.2.evil.org", "[::1", "[::1].evil.org", "[::1]x:80"),
    ],
)
def test_other_names_do_not_pass(host: str) -> None:
    assert not host_passes(host)


@given(st.text(max_size=30))
def test_where_any_name_is_good_every_host_passes(host: str) -> None:
    assert host_passes(host, OPEN)


def origin_passes(origin: str, host: str, rules: AccessRules) -> bool:
    try:
        check_origin(rules, origin, host)
    except HaversackError as error:
        if error.code != "origin-refused":
            raise
        return False
    return True


@pytest.mark.parametrize("rules", [OPEN, LOCAL])
def test_only_our_own_page_may_ask_where_there_are_no_keys(rules: AccessRules) -> None:
    host = "localhost:8000"
    assert origin_passes("", host, rules)
    assert origin_passes("http://localhost:8000", host, rules)
    for origin in (
        *("https://evil.org", "null", "http://localhost", "http://localhost:8001", "x"),
        *("http://[bad", "http://localhost:8000.evil.org", "http://user@localhost:8000"),
    ):
        assert not origin_passes(origin, host, rules)


def test_nothing_is_not_the_same_as_a_missing_name() -> None:
    assert not origin_passes("null", "", OPEN)


def test_with_keys_or_with_leave_other_sites_may_ask() -> None:
    site = "https://example.org"
    assert origin_passes(site, "h", KEYED)
    assert origin_passes(site, "h", AccessRules(origins=frozenset({site})))
    assert origin_passes(site, "h", AccessRules(origins=frozenset({"*"})))
    assert not origin_passes(site + ".evil.org", "h", AccessRules(origins=frozenset({site})))


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_the_origin_is_it_passes_or_is_refused(origin: str, host: str) -> None:
    origin_passes(origin, host, LOCAL)


def test_only_named_sites_may_read_answers() -> None:
    rules = AccessRules(origins=frozenset({"https://example.org"}))
    assert allowed_origin(rules, "https://example.org")
    assert not allowed_origin(rules, "https://other.org")
    assert not allowed_origin(rules, "")
    assert not allowed_origin(OPEN, "https://example.org")
    assert allowed_origin(AccessRules(origins=frozenset({"*"})), "https://other.org")
