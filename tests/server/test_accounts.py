"""People who sign in, and keys from the database: what a server lets in, and how soon not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests import shell
from tests.server.quick_blobs import QUICK_BLOBS
from tests.server.running import PHOTO, Server, refused, serving

from haversack.accounts.register import FRESH_SECONDS

PASSWORD, OTHER = "correct horse battery", "staple of other words"
REVOKED_WITHIN_SECONDS = 4  # FRESH_SECONDS, and a slow machine
SITE = "https://example.org"


def haversack(folder: Path, *words: str, typed: str = "") -> str:
    """What a command prints."""
    ran = shell.haversack(*words, "--database", folder / "accounts.sqlite", cwd=folder, typed=typed)
    assert ran.status == 0, ran.err
    return ran.out.strip()


def add_user(folder: Path, name: str, *words: str) -> None:
    haversack(folder, "user", "add", name, "--password-stdin", *words, typed=f"{PASSWORD}\n")


@dataclass(frozen=True)
class Guarded:
    """A server with accounts."""

    server: Server
    folder: Path

    def ask(self) -> httpx.Client:
        return httpx.Client(base_url=self.server.url, timeout=60, verify=False)

    @contextmanager
    def sign_in(self, name: str = "ada", password: str = PASSWORD) -> Iterator[httpx.Client]:
        """A browser in which somebody signed in, with the token in its headers."""
        with self.ask() as client:
            answer = client.post("/session", json={"user": name, "password": password})
            assert answer.status_code == 204, answer.text
            client.headers["X-CSRF-Token"] = client.get("/session").json()["csrf_token"]
            yield client

    def command(self, *words: str, typed: str = "") -> str:
        return haversack(self.folder, *words, typed=typed)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """ada may infer and put jobs, root may do everything; passwords are PASSWORD."""
    folder = tmp_path_factory.mktemp("accounts")
    add_user(folder, "ada")
    add_user(folder, "root", *(w for s in ("infer", "jobs", "admin") for w in ("--scope", s)))
    (folder / "keys").write_text("old:key-of-a-file-0123456789\n")
    (folder / "keys").chmod(0o600)
    words = ("--database", folder / "accounts.sqlite", "--keys", folder / "keys")
    with serving(folder, QUICK_BLOBS, *words, "--trust-proxy", "--allow-origin", SITE) as server:
        yield Guarded(server, folder)


def gone_soon(ask: httpx.Client, path: str = "/packs") -> bool:
    """Whether the answer becomes 401 in time."""
    end = time.monotonic() + REVOKED_WITHIN_SECONDS
    while time.monotonic() < end:
        if ask.get(path).status_code == 401:
            return True
        time.sleep(0.1)
    return False


def soon_says(server: Server, sentence: str) -> bool:
    """Whether it is on standard error, which is written after the line that it is ready."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if sentence in server.said():
            return True
        time.sleep(0.02)
    return False


def predict(client: httpx.Client) -> httpx.Response:
    return client.post("/predict/blobs", content=PHOTO.read_bytes())


def test_who_is_nobody_gets_nothing_but_the_door(guarded: Guarded) -> None:
    with guarded.ask() as client:
        for path in ("/packs", "/v2/models/blobs", "/metrics", "/jobs"):
            answer = client.get(path)
            assert answer.status_code == 401, path
            assert "sign in" in answer.json()["error"]
        assert predict(client).status_code == 401
        for path in ("/", "/v2/health/ready", "/openapi.json", "/static/main.js"):
            assert client.get(path).status_code == 200, path
        told = client.get("/session")
        assert told.json() == {"sign_in": True, "name": None, "scopes": [], "csrf_token": None}
        assert told.headers["cache-control"] == "no-store"


def test_the_cookie_is_the_browsers_alone(guarded: Guarded) -> None:
    with guarded.ask() as client:
        answer = client.post("/session", json={"user": "ada", "password": PASSWORD})
        assert answer.status_code == 204
        name, _, rest = answer.headers["set-cookie"].partition("=")
        flags = {flag.strip() for flag in rest.split(";")[1:]}
        assert name == "haversack"
        assert flags == {"Path=/", "Max-Age=2592000", "HttpOnly", "SameSite=Strict"}
        assert client.get("/session").json()["name"] == "ada"
    with guarded.sign_in() as client:
        assert predict(client).status_code == 200


def test_behind_tls_the_cookie_is_for_tls_only(guarded: Guarded) -> None:
    headers = {"X-Forwarded-Proto": "https"}
    with guarded.ask() as client:
        given = {"user": "ada", "password": PASSWORD}
        answer = client.post("/session", json=given, headers=headers)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-haversack=")
        assert cookie.endswith("; Secure")
        pair = cookie.partition(";")[0]
        for sent, expected in [(headers, "ada"), ({}, None)]:
            told = httpx.get(
                guarded.server.url + "/session", headers={**sent, "Cookie": pair}, verify=False
            )
            assert told.json()["name"] == expected


def test_what_changes_something_needs_the_token(guarded: Guarded) -> None:
    with guarded.sign_in("root") as client:
        token = client.headers.pop("X-CSRF-Token")
        assert client.get("/packs").status_code == 200
        load = "/v2/repository/models/blobs/load"
        for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": token[:-1]}):
            for method, path in [
                ("POST", "/predict/blobs"),
                ("POST", load),
                ("DELETE", "/packs/blobs/versions/1"),
                ("DELETE", "/session"),
            ]:
                answer = client.request(method, path, headers=headers)
                assert answer.status_code == 403, (method, path)
                assert answer.json()["code"] == "csrf-missing"
        with guarded.sign_in("ada") as other:
            theirs = {"X-CSRF-Token": other.headers["X-CSRF-Token"]}
            assert client.post(load, headers=theirs).status_code == 403
        assert client.post(load, headers={"X-CSRF-Token": token}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.org", "null", SITE, "http://127.0.0.1:1"])
def test_another_sites_page_gets_nothing_by_a_cookie(guarded: Guarded, origin: str) -> None:
    with guarded.sign_in() as client:
        for method, path in [("GET", "/packs"), ("POST", "/predict/blobs"), ("DELETE", "/session")]:
            answer = client.request(method, path, headers={"Origin": origin})
            assert answer.status_code == 403
            assert answer.json()["code"] == "origin-refused"
            assert "access-control-allow-credentials" not in answer.headers
        given = {"user": "ada", "password": PASSWORD}
        answer = client.post("/session", json=given, headers={"Origin": origin})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        own = {"Origin": guarded.server.url}
        assert client.get("/packs", headers=own).status_code == 200


def test_scopes_hold_for_people_too(guarded: Guarded) -> None:
    with guarded.sign_in("ada") as ada, guarded.sign_in("root") as root:
        load = "/v2/repository/models/blobs/load"
        assert root.post(load).status_code == 200
        answer = ada.post(load)
        assert answer.status_code == 403
        assert answer.json()["error"] == "ada may infer, jobs; this needs admin"
        assert root.get("/metrics").status_code == 403


@pytest.mark.parametrize(
    ("user", "password"),
    [("ada", OTHER), ("nobody", PASSWORD), ("", ""), ("ada", ""), ("Ada", PASSWORD), ("\0", "x")],
)
def test_wrong_names_and_wrong_passwords_are_told_alike(
    guarded: Guarded, user: str, password: str
) -> None:
    headers = {"X-Forwarded-For": f"192.0.2.{len(user) + len(password)}"}
    with guarded.ask() as client:
        given = {"user": user, "password": password}
        answer = client.post("/session", json=given, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["code"] == "sign-in-refused"
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"user": "ada", "password": 1}', "application/json", 400),
        (b'{"user": "ada", "password": "' + b"x" * 9000 + b'"}', "application/json", 413),
        (b'{"user": "ada", "password": "%s"}' % PASSWORD.encode(), "text/plain", 415),
        (b"user=ada&password=x", "application/x-www-form-urlencoded", 415),
        (b'\xff{"user"', "application/json", 400),
    ],
)
def test_what_is_no_sign_in_is_refused_in_a_sentence(
    guarded: Guarded, body: bytes, media_type: str, status: int
) -> None:
    with guarded.ask() as client:
        answer = client.post("/session", content=body, headers={"Content-Type": media_type})
        assert answer.status_code == status
        assert PASSWORD not in answer.text


def test_after_too_many_failures_one_has_to_wait(guarded: Guarded) -> None:
    add_user(guarded.folder, "victim")
    with guarded.ask() as client:
        for user in ("nobody-here", "victim"):
            for number in range(11):
                headers = {"X-Forwarded-For": f"203.0.113.{number}"}
                given = {"user": user, "password": OTHER}
                answer = client.post("/session", json=given, headers=headers)
                assert answer.status_code == (401 if number < 10 else 429), (user, number)
            assert answer.json()["code"] == "sign-in-limited"
            assert 0 < int(answer.headers["retry-after"]) <= 900
        # The right password is not told either, so nothing is learned by going on.
        given = {"user": "victim", "password": PASSWORD}
        assert client.post("/session", json=given).status_code == 429
        # What one caller writes there himself does not count.
        headers = {"X-Forwarded-For": "203.0.113.99, 203.0.113.100"}
        given = {"user": "ada", "password": PASSWORD}
        assert client.post("/session", json=given, headers=headers).status_code == 204


def test_signed_out_is_out_at_once(guarded: Guarded) -> None:
    with guarded.sign_in() as client:
        stolen = dict(client.cookies)
        assert client.get("/packs").status_code == 200
        answer = client.delete("/session")
        assert answer.status_code == 204
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert client.get("/session").json()["name"] is None
    with guarded.ask() as client:
        client.cookies.update(stolen)
        assert client.get("/packs").status_code == 401
        assert client.delete("/session").status_code == 204


def test_signing_in_anew_ends_the_browsers_session_before(guarded: Guarded) -> None:
    with guarded.sign_in() as client, guarded.ask() as other:
        other.cookies.update(client.cookies)
        given = {"user": "ada", "password": PASSWORD}
        assert client.post("/session", json=given).status_code == 204
        assert client.get("/packs").status_code == 200
        assert other.get("/packs").status_code == 401


def test_another_password_and_removal_end_sessions_within_seconds(guarded: Guarded) -> None:
    add_user(guarded.folder, "eve")
    with guarded.sign_in("eve") as client:
        assert client.get("/packs").status_code == 200
        guarded.command("user", "password", "eve", "--password-stdin", typed=f"{OTHER}\n")
        assert gone_soon(client)
    with guarded.sign_in("eve", OTHER) as client:
        assert client.get("/packs").status_code == 200
        guarded.command("user", "remove", "eve")
        assert gone_soon(client)


def test_other_scopes_hold_for_a_session_that_is_open(guarded: Guarded) -> None:
    add_user(guarded.folder, "zoe")
    with guarded.sign_in("zoe") as client:
        assert client.get("/metrics").status_code == 403
        guarded.command("user", "scopes", "zoe", "--scope", "metrics")
        time.sleep(FRESH_SECONDS)
        assert client.get("/metrics").status_code == 200
        assert predict(client).json()["error"] == "zoe may metrics; this needs infer"


def test_a_key_of_the_database_works_until_it_is_revoked(guarded: Guarded) -> None:
    key = guarded.command("key", "add", "ci", "--scope", "infer", "--scope", "metrics")
    with guarded.ask() as client:
        client.headers["Authorization"] = f"Bearer {key}"
        assert predict(client).status_code == 200
        assert client.get("/metrics").status_code == 200
        assert client.get("/jobs").status_code == 403
        assert client.get("/session").json()["name"] == "key:ci"
        assert "Z" in guarded.command("key", "list")
        assert key not in guarded.command("key", "list", "--json")
        guarded.command("key", "revoke", "ci")
        assert gone_soon(client)
        assert client.get("/packs").json()["code"] == "key-unknown"


def test_a_key_of_the_file_works_beside_them(guarded: Guarded) -> None:
    with guarded.ask() as client:
        client.headers["Authorization"] = "Bearer key-of-a-file-0123456789"
        assert predict(client).status_code == 200
        assert client.get("/session").json()["name"] == "key:old"


def test_everyone_sees_their_own_jobs_only(guarded: Guarded) -> None:
    photo = PHOTO.read_bytes()
    key = guarded.command("key", "add", "laptop", "--owner", "ada", "--scope", "jobs")
    program = guarded.command("key", "add", "ada", "--scope", "jobs")
    add_user(guarded.folder, "bob")
    with guarded.sign_in("ada") as ada, guarded.sign_in("bob") as bob, guarded.ask() as client:
        place = ada.post("/jobs/blobs", content=photo).headers["location"]
        assert bob.get(place).status_code == 404
        assert bob.delete(place).status_code == 404
        assert bob.get("/jobs").json()["jobs"] == []
        assert ada.get(place).status_code == 200
        # Her key is hers; a program that is called like her is not her.
        client.headers["Authorization"] = f"Bearer {key}"
        assert client.get(place).status_code == 200
        client.headers["Authorization"] = f"Bearer {program}"
        assert client.get(place).status_code == 404


def test_no_secret_stands_in_the_log_or_the_file(guarded: Guarded) -> None:
    with guarded.sign_in() as client:
        session_id = client.cookies["haversack"]
        said = guarded.server.said()
        kept = b"".join(path.read_bytes() for path in guarded.folder.glob("accounts.sqlite*"))
        for secret in (PASSWORD, session_id, client.headers["X-CSRF-Token"]):
            assert secret not in said
            assert secret.encode() not in kept
    for path in guarded.folder.glob("accounts.sqlite*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_without_accounts_a_server_on_this_machine_is_open_and_says_so(server: Server) -> None:
    assert soon_says(server, "Open to everyone on this machine")
    told = server.get("/session").json()
    assert (told["sign_in"], told["name"], told["csrf_token"]) == (False, None, None)
    given = {"user": "ada", "password": PASSWORD}
    answer = server.post("/session", json=given)
    assert (answer.status_code, answer.json()["code"]) == (404, "accounts-off")
    assert server.delete("/session").status_code == 204


def test_with_the_option_nobody_gets_in_before_the_first_account(tmp_path: Path) -> None:
    database = tmp_path / "accounts.sqlite"
    words = ("--host", "0.0.0.0", "--accounts", "--database", database)
    with serving(tmp_path, QUICK_BLOBS, *words) as server:
        assert soon_says(server, "Nobody may use it yet")
        assert server.get("/packs").status_code == 401
        assert server.get("/session").json()["sign_in"] is False
        add_user(tmp_path, "ada")
        with Guarded(server, tmp_path).sign_in() as client:
            assert client.get("/packs").status_code == 200
        # Without anybody left it stays closed.
        haversack(tmp_path, "user", "remove", "ada")
        time.sleep(0.1)
        assert server.get("/packs").status_code == 401


def test_options_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    done = refused(tmp_path, QUICK_BLOBS, "--accounts", "--no-auth")
    assert done.returncode == 2
    assert "contradict" in done.stderr
