"""What is typed after --host becomes an address that is listened on, or a hint that fits."""

from __future__ import annotations

import errno
import socket
from typing import Any

import pytest
from starlette.datastructures import Headers

from haversack.asgi.listening import addresses, bind, plain_host
from haversack.asgi.proxies import address_of
from haversack.errors import HaversackError, Kind


def connects(family: int, address: str, port: int) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as caller:
        caller.settimeout(5)
        return caller.connect_ex((address, port)) == 0


has_ipv6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")


@has_ipv6
def test_double_colon_listens_on_both() -> None:
    with bind("::", 0) as listener:
        port = listener.getsockname()[1]
        assert connects(socket.AF_INET, "127.0.0.1", port)
        assert connects(socket.AF_INET6, "::1", port)
        assert addresses("::", listener) == (f"http://127.0.0.1:{port}", f"http://[::1]:{port}")


def test_only_ipv4_is_named_where_that_is_all() -> None:
    with bind("0.0.0.0", 0) as listener:
        port = listener.getsockname()[1]
        for host in ("0.0.0.0", "::"):  # as after falling back
            assert addresses(host, listener) == (f"http://127.0.0.1:{port}",)


def test_double_colon_is_ipv4_alone_where_there_is_no_ipv6() -> None:
    def create(address: Any, *, family: int, **options: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return socket.create_server(address, family=family, **options)

    with bind("::", 0, create) as listener:
        port = listener.getsockname()[1]
        assert connects(socket.AF_INET, "127.0.0.1", port)
        assert addresses("::", listener) == (f"http://127.0.0.1:{port}",)


@has_ipv6
def test_one_ipv6_address_is_that_alone() -> None:
    with bind(plain_host("[::1]"), 0) as listener:
        port = listener.getsockname()[1]
        assert not connects(socket.AF_INET, "127.0.0.1", port)
        assert addresses("::1", listener) == (f"http://[::1]:{port}",)


def test_localhost_is_ipv4_first() -> None:
    with bind("localhost", 0) as listener:
        assert listener.family == socket.AF_INET


@pytest.mark.parametrize(
    ("typed", "plain"),
    [("", "0.0.0.0"), ("[::1]", "::1"), ("[::]", "::"), ("::", "::"), ("fe80::1%lo", "fe80::1%lo")],
)
def test_brackets_are_no_part_of_an_address(typed: str, plain: str) -> None:
    assert plain_host(typed) == plain


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("*", "--host 0.0.0.0"),
        ("unix:/x.sock", "let the proxy ask its --port"),
        ("/run/x.sock", "let the proxy ask its --port"),
        ("http://127.0.0.1", "the name or address alone"),
        ("127.0.0.1:9000", "--host 127.0.0.1 --port 9000"),
    ],
)
def test_what_is_written_otherwise_gets_a_hint_that_fits(typed: str, hint: str) -> None:
    with pytest.raises(HaversackError) as caught:
        plain_host(typed)
    assert (caught.value.code, caught.value.kind) == ("address-unusable", Kind.INVALID)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("no-such-name.invalid", "no address is known for the name 'no-such-name.invalid'"),
        ("192.0.2.1", "no address of this machine"),
        ("x" * 80, "no address is known"),
    ],
)
def test_an_address_of_elsewhere_is_not_blamed_on_the_port(host: str, message: str) -> None:
    with pytest.raises(HaversackError) as caught:
        bind(host, 0)
    assert message in caught.value.message
    assert "--host" in caught.value.hint
    assert "--port" not in caught.value.hint


@pytest.mark.parametrize("host", ["127.0.0.1", "::"])
def test_a_taken_port_is_named(host: str) -> None:
    with bind("127.0.0.1", 0) as listener, pytest.raises(HaversackError) as caught:
        bind(host, listener.getsockname()[1])
    assert caught.value.code == "port-taken"


def test_a_caller_has_one_address_whichever_socket_took_him() -> None:
    scope = {"client": ("::ffff:192.0.2.7", 1)}
    assert address_of(scope, Headers(), trust_proxy=False) == "192.0.2.7"
