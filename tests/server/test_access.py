"""Who may ask: keys and scopes, names and origins, and what a server refuses to start as."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.server.quick_blobs import QUICK_BLOBS
from tests.server.running import PHOTO, Server, refused, serving

USER, OWNER, SCRAPER = "user-key-0123456789", "owner-key-0123456789", "scraper-key-0123456789"
SITE = "https://example.org"


def keys_file(folder: Path, text: str | None = None, mode: int = 0o600) -> Path:
    path = folder / "keys"
    path.write_text(
        text or f"# who\nuser:{USER}\nowner:{OWNER}:infer,admin\n\nprometheus:{SCRAPER}:metrics\n"
    )
    path.chmod(mode)
    return path


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("guarded")
    words = (QUICK_BLOBS, "--keys", keys_file(folder), "--allow-origin", SITE)
    with serving(folder, *words) as server:
        yield server


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("headers", [{}, bearer("wrong-key-0123456789"), {"Authorization": USER}])
def test_without_a_key_nothing_is_told(guarded: Server, headers: dict[str, str]) -> None:
    for method, path in [
        *(("GET", p) for p in ("/v2/models/blobs", "/v1/models", "/packs", "/metrics")),
        ("GET", "/packs/blobs/versions/1"),
        ("POST", "/predict/blobs"),
        ("POST", "/predict/nobody"),
        ("POST", "/v2/models/blobs/infer"),
        ("POST", "/v1/models/blobs:predict"),
        ("POST", "/v2/repository/index"),
        ("POST", "/v2/repository/models/blobs/unload"),
        ("POST", "/packs"),
        ("DELETE", "/packs/blobs/versions/1"),
    ]:
        answer = httpx.request(method, guarded.url + path, headers=headers, verify=False)
        assert answer.status_code == 401, (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["code"] in ("key-missing", "key-unknown")


def test_a_wrong_key_is_told_before_a_wrong_query(guarded: Server) -> None:
    answer = guarded.post("/predict/blobs?threshold=x", content=PHOTO.read_bytes())
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "path", ["/", "/v2", "/healthz", "/v2/health/ready", "/openapi.json", "/v2/models/blobs/ready"]
)
def test_what_says_nothing_of_anyone_needs_no_key(guarded: Server, path: str) -> None:
    assert guarded.get(path).status_code == 200


def test_a_key_is_good_for_its_scopes_only(guarded: Server) -> None:
    photo = PHOTO.read_bytes()
    assert guarded.post("/predict/blobs", content=photo, headers=bearer(USER)).status_code == 200
    assert guarded.get("/metrics", headers=bearer(SCRAPER)).status_code == 200
    load = "/v2/repository/models/blobs/load"
    assert guarded.post(load, headers=bearer(OWNER)).status_code == 200
    for key, method, path in [
        (USER, "POST", load),
        (USER, "POST", "/v2/repository/models/blobs/unload"),
        (USER, "POST", "/packs"),
        (USER, "GET", "/packs/blobs/versions/1"),
        (USER, "DELETE", "/packs/blobs/versions/1"),
        (USER, "GET", "/metrics"),
        (OWNER, "GET", "/metrics"),
        (SCRAPER, "POST", "/predict/blobs"),
        (SCRAPER, "GET", "/v2/models/blobs"),
    ]:
        answer = httpx.request(method, guarded.url + path, headers=bearer(key), verify=False)
        assert answer.status_code == 403, (key, method, path)
        assert answer.json()["code"] == "scope-missing"
        assert key not in answer.text


def test_with_keys_any_name_and_any_origin_may_ask(guarded: Server) -> None:
    headers = bearer(USER) | {"Host": "haversack.example.org", "Origin": "https://other.org"}
    answer = guarded.get("/v2/models/blobs", headers=headers)
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_an_allowed_sites_question_is_answered_without_a_key(guarded: Server) -> None:
    asked = httpx.options(
        guarded.url + "/predict/blobs",
        headers={
            "Origin": SITE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == SITE
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert asked.headers["access-control-allow-headers"] == "authorization,content-type"
    # The request itself needs the key, and its refusal can be read by the page.
    refusal = guarded.get("/packs", headers={"Origin": SITE})
    assert refusal.status_code == 401
    assert refusal.headers["access-control-allow-origin"] == SITE
    assert "X-Request-Id" in refusal.headers["access-control-expose-headers"]


def test_another_sites_question_gets_no_permission(guarded: Server) -> None:
    asked = httpx.options(guarded.url + "/predict/blobs", headers={"Origin": "https://other.org"})
    assert asked.status_code == 405
    assert "access-control-allow-origin" not in asked.headers


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LocalHost"])
def test_a_server_on_this_machine_answers_to_its_own_names(server: Server, name: str) -> None:
    port = server.address[1]
    for host in (name, f"{name}:{port}"):
        assert server.get("/v2", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "name", ["evil.org", "localhost.evil.org", "127.0.0.1.evil.org", "[::2]", "", "0.0.0.0"]
)
def test_another_name_that_points_here_is_refused(server: Server, name: str) -> None:
    for path in ("/v2", "/", "/metrics", "/nothing"):
        answer = server.get(path, headers={"Host": name})
        assert answer.status_code == 403
        assert answer.json()["code"] == "host-refused"
        assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.org", "null", "http://localhost:1", "http://[bad", "http://127.0.0.1.evil.org"],
)
def test_a_page_of_another_site_is_refused(server: Server, origin: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = httpx.request(method, server.url + "/v2", headers={"Origin": origin}, verify=False)
        assert answer.status_code == 403
        assert answer.json()["code"] == "origin-refused"
        assert "access-control-allow-origin" not in answer.headers


def test_its_own_page_may_ask(server: Server) -> None:
    assert server.get("/packs", headers={"Origin": server.url}).status_code == 200
    assert "access-control-allow-origin" not in server.get("/packs").headers


def test_a_callers_own_id_comes_back_where_it_fits_a_log(server: Server) -> None:
    for given, kept in [("abc-123_X", True), ("a b", False), ("x" * 65, False), ("é", False)]:
        answer = server.get("/v2", headers={"X-Request-Id": given.encode()})
        assert (answer.headers["x-request-id"] == given) is kept
        assert answer.headers["x-request-id"]


def test_an_address_for_others_needs_keys_or_a_word(tmp_path: Path) -> None:
    done = refused(tmp_path, QUICK_BLOBS, "--host", "0.0.0.0")
    assert done.returncode == 2
    assert "--keys FILE, or --no-auth" in done.stderr


def test_keys_and_none_contradict_each_other(tmp_path: Path) -> None:
    done = refused(tmp_path, QUICK_BLOBS, "--keys", keys_file(tmp_path), "--no-auth")
    assert done.returncode == 2
    assert "contradict" in done.stderr


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (None, 0o644, "chmod 600"),
        (None, 0o640, "chmod 600"),
        ("# nobody\n", 0o600, "holds no key"),
        ("name:short\n", 0o600, "line 1"),
        (f"a:{USER}\nb:{OWNER}:cook\n", 0o600, "line 2: received scope 'cook'"),
    ],
)
def test_a_keys_file_that_is_open_or_wrong_is_refused(
    tmp_path: Path, text: str | None, mode: int, said: str
) -> None:
    done = refused(tmp_path, QUICK_BLOBS, "--keys", keys_file(tmp_path, text, mode))
    assert done.returncode == 2
    assert said in done.stderr
    assert USER not in done.stderr


def test_an_open_server_answers_every_name(tmp_path: Path) -> None:
    with serving(tmp_path, QUICK_BLOBS, "--host", "0.0.0.0", "--no-auth") as server:
        answer = server.get("/v2", headers={"Host": "haversack.example.org"})
        assert answer.status_code == 200
        assert "Everyone who reaches this address" in server.said()
