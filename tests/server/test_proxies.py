"""A server behind a proxy that passes its own public name on, and one for IPv4 and IPv6."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.server.quick_blobs import QUICK_BLOBS
from tests.server.running import PHOTO, Server, raw, refused, serving

NAME = "cv.example.org"


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    words = ("--no-auth", "--trust-proxy", "--allow-host", NAME)
    with serving(tmp_path_factory.mktemp("behind"), QUICK_BLOBS, *words) as server:
        yield server


def passed_on(**more: str) -> dict[str, str]:
    return {"Host": NAME, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7", **more}


def test_the_page_works_under_the_public_name(behind: Server) -> None:
    page = behind.get("/", headers=passed_on(Accept="text/html"))
    assert page.status_code == 200
    own = passed_on(Origin=f"https://{NAME}")
    assert behind.get("/packs", headers=own).status_code == 200
    photo = PHOTO.read_bytes()
    assert behind.post("/predict/blobs", content=photo, headers=own).status_code == 200
    foreign = passed_on(Origin="https://evil.org")
    assert behind.post("/predict/blobs", content=photo, headers=foreign).status_code == 403


def test_a_name_that_was_not_given_is_refused_with_the_option(behind: Server) -> None:
    refusal = behind.get("/packs", headers={"Host": "rebound.evil.org"}).json()
    assert refusal["code"] == "host-refused"
    assert NAME in refusal["error"]
    assert "--allow-host rebound.evil.org" in refusal["hint"]


def test_whoever_started_it_reads_whom_it_is_open_to(behind: Server) -> None:
    assert f"whoever reaches it as {NAME}" in behind.said()


@pytest.mark.parametrize(
    "path", ["/healthz", "/livez", "/readyz", "/v2/health/live", "/v2/health/ready"]
)
def test_probes_are_answered_under_any_name(server: Server, path: str) -> None:
    for host in ("10.1.2.3:8000", "", "anything.internal"):
        assert server.get(path, headers={"Host": host}).status_code == 200
        assert httpx.head(server.url + path, headers={"Host": host}).status_code == 200
    assert raw(server, f"GET {path} HTTP/1.0\r\n\r\n".encode()).startswith(b"HTTP/1.1 200")
    # Nothing but them.
    assert server.get("/v2", headers={"Host": "10.1.2.3:8000"}).status_code == 403


@pytest.mark.parametrize("guard", ["--no-auth", "--keys"])
def test_where_names_are_given_others_are_refused_on_an_open_address_too(
    tmp_path: Path, guard: str
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("ada:key-of-a-file-0123456789\n")
    keys.chmod(0o600)
    guarded = (guard, keys) if guard == "--keys" else (guard,)
    key = {"Authorization": "Bearer key-of-a-file-0123456789"}
    with serving(
        tmp_path, QUICK_BLOBS, "--host", "0.0.0.0", *guarded, "--allow-host", NAME
    ) as server:
        for host, status in ((NAME, 200), ("evil.example", 403)):
            own = {"Host": host, "Origin": f"http://{host}", **key}
            answer = server.post("/predict/blobs", content=PHOTO.read_bytes(), headers=own)
            assert answer.status_code == status, answer.text


def test_a_name_that_is_none_ends_the_start(tmp_path: Path) -> None:
    done = refused(tmp_path, QUICK_BLOBS, "--allow-host", f"https://{NAME}")
    assert done.returncode == 2
    assert "without https://" in done.stderr


def test_double_colon_is_for_both_and_says_so(tmp_path: Path) -> None:
    with serving(tmp_path, QUICK_BLOBS, "--host", "::", "--no-auth") as server:
        four, _, six = server.url.partition(" and ")
        assert httpx.get(f"{four}/healthz", verify=False).status_code == 200
        if socket.has_dualstack_ipv6():
            assert httpx.get(f"{six}/healthz", verify=False).status_code == 200


@pytest.mark.parametrize(
    ("host", "status", "hint"),
    [("*", 2, "0.0.0.0"), ("unix:/x.sock", 2, "proxy"), ("no-such.invalid", 1, "of this machine")],
)
def test_an_address_that_is_none_is_not_blamed_on_the_port(
    tmp_path: Path, host: str, status: int, hint: str
) -> None:
    done = refused(tmp_path, QUICK_BLOBS, "--host", host, "--no-auth")
    assert done.returncode == status
    assert hint in done.stderr
    assert "another with --port" not in done.stderr
