"""A server inside its memory: it refuses what cannot fit, and loads the rest when asked for it."""

from __future__ import annotations

import datetime
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.server.running import BLOBS, COMMAND, PHOTO, Server, environment, serving
from tests.server.test_switching import load_on, small_photo, wait_for
from tests.unit.packfile.conftest import make_manifest, tiny_files, write_pack

from haversack.packfile.archive import open_pack
from haversack.packfile.profile import Machine, MemoryFormula, Profile, encode

# Room for one pack of 50 MiB beside the runtime and the photos, and not for two.
NARROW = ("--memory", "300M", "--decode-limit", "64M")
SESSION_BYTES = 50 << 20


def claims(folder: Path, session_bytes: int = SESSION_BYTES) -> Path:
    """Let a pack say that it takes so much."""
    files = open_pack(folder)
    profile = Profile(
        format=1,
        name=files.manifest.name,
        version=files.manifest.version,
        digest=files.digest,
        created=datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC),
        machine=Machine(cpus=1, machine="x", system="x", runtime="x"),
        memory=MemoryFormula(
            runtime_bytes=0, session_bytes=session_bytes, call_bytes=1 << 20, row_bytes=0
        ),
    )
    (folder / "profile.toml").write_bytes(encode(profile))
    return folder


def pack(folder: Path, name: str, version: str = "1") -> Path:
    """A pack of its own name that takes photos."""
    manifest = make_manifest(tiny_files(), name=name, version=version)
    write_pack(folder / name / version, manifest, tiny_files())
    return claims(folder / name / version)


def publish(folder: Path, version: str) -> None:
    """A further version of `ant` in the repository, whole and in one step."""
    pack(folder / "staging", "ant", version).rename(folder / "packs" / "ant" / version)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in ("ant", "bee", "cat"):
        pack(tmp_path / "packs", name)
    return tmp_path / "packs"


def loaded(server: Server) -> dict[str, bool]:
    rows = server.get("/status").json()["models"]
    return {f"{row['name']}@{row['version']}": row["loaded"] for row in rows}


def ask(server: Server, name: str) -> httpx.Response:
    return server.post(f"/predict/{name}", content=small_photo())


def test_a_server_that_cannot_fit_shows_the_sum_and_what_would(
    tmp_path: Path, repository: Path
) -> None:
    ant = repository / "ant" / "1"
    done = refused(tmp_path, ant, "--memory", "300M", "--decode-limit", "1G")
    assert done.returncode == 1
    assert "--memory gives it 300 MiB" in done.stderr
    for line in (
        "runtime",
        "50 MiB  ant@1, the pack's own profile",
        "one call of a model",
        "1 GiB  one photo (--decode-limit)",
    ):
        assert line in done.stderr
    assert "together, and 300 MiB are there" in done.stderr
    assert "It fits with --decode-limit " in done.stderr
    assert "Traceback" not in done.stderr
    photo = done.stderr.split("It fits with --decode-limit ")[1].split(".")[0]
    with serving(tmp_path, ant, "--memory", "300M", "--decode-limit", photo) as server:
        assert ask(server, "ant").status_code == 200


def test_a_pack_that_turns_out_larger_than_estimated_is_refused_as_measured(tmp_path: Path) -> None:
    done = refused(tmp_path, BLOBS, "--memory", "300M", "--decode-limit", "61M")
    assert done.returncode == 1
    assert "blobs@1, measured here" in done.stderr or "blobs@1, estimated" in done.stderr


def test_too_many_named_packs_are_refused_with_those_that_fit(
    tmp_path: Path, repository: Path
) -> None:
    named = [repository / name / "1" for name in ("ant", "bee", "cat")]
    done = refused(tmp_path, *named, *NARROW)
    assert done.returncode == 1
    assert "It fits with fewer packs: ant@1, bee@1 and --decode-limit " in done.stderr
    assert "name their folder" in done.stderr


def test_more_memory_than_there_is_is_refused(tmp_path: Path) -> None:
    done = refused(tmp_path, BLOBS, "--memory", "4T")
    assert done.returncode == 1
    assert "--memory 4 TiB was given, and this process may use" in done.stderr


def test_packs_that_do_not_fit_come_when_asked_for_and_the_least_used_goes(
    tmp_path: Path, repository: Path
) -> None:
    with serving(tmp_path, repository, *NARROW) as server:
        assert loaded(server) == {"ant@1": True, "bee@1": False, "cat@1": False}
        menu = {row["name"]: row["loaded"] for row in server.get("/packs").json()["packs"]}
        assert menu == {"ant": True, "bee": False, "cat": False}
        index = {row["name"]: row for row in server.post("/v2/repository/index").json()}
        assert index["bee"]["state"] == "UNAVAILABLE"
        assert "when it is asked for" in index["bee"]["reason"]
        for name in ("bee", "cat", "ant"):
            assert ask(server, name).status_code == 200
            assert [key for key, is_in in loaded(server).items() if is_in] == [f"{name}@1"]
        assert "haversack_pack_evictions_total 3.0" in server.get("/metrics").text
        assert ask(server, "dog").status_code == 404
        assert ask(server, "blobs").status_code == 404  # known, and never on offer
        assert server.answers()


def test_many_who_ask_for_two_packs_that_exclude_each_other_are_all_answered(
    tmp_path: Path, repository: Path
) -> None:
    with serving(tmp_path, repository, *NARROW) as server, ThreadPoolExecutor(8) as pool:
        names = ["bee", "cat"] * 20
        answers = list(pool.map(lambda name: ask(server, name), names))
        assert [answer.status_code for answer in answers] == [200] * len(names)
        assert [answer.json()["pack"] for answer in answers] == names


def test_a_pack_that_was_unloaded_stays_away_until_it_is_loaded(
    tmp_path: Path, repository: Path
) -> None:
    with serving(tmp_path, repository, *NARROW) as server:
        assert server.post("/v2/repository/models/bee/unload").status_code == 200
        assert ask(server, "bee").status_code == 404
        assert server.post("/v2/repository/models/bee/unload").status_code == 404
        assert server.post("/v2/repository/models/bee/load").status_code == 200
        assert ask(server, "bee").status_code == 200
        assert ask(server, "ant").status_code == 200
        assert ask(server, "bee").status_code == 200


def test_a_named_pack_stays_and_one_that_would_need_its_place_is_503(
    tmp_path: Path, repository: Path
) -> None:
    with serving(tmp_path, repository / "ant" / "1", repository, *NARROW) as server:
        answer = ask(server, "bee")
        assert (answer.status_code, answer.json()["code"]) == (503, "memory-too-small")
        assert "ant@1" in answer.json()["error"]
        assert ask(server, "ant").status_code == 200
        rows = {row["name"]: row for row in server.get("/status").json()["models"]}
        assert (rows["ant"]["pinned"], rows["bee"]["pinned"]) == (True, False)


def test_a_switch_without_room_for_both_swaps_and_fails_no_request(
    tmp_path: Path, repository: Path
) -> None:
    words = (repository / "ant" / "1", "--packs", repository, *NARROW)
    with serving(tmp_path, *words) as server, load_on(server, "/predict/ant") as seen:
        wait_for(seen, (200, "1"))
        for version in ("2", "3"):
            publish(tmp_path, version)
            assert server.post("/v2/repository/models/ant/load").status_code == 200
            wait_for(seen, (200, version))
        status = server.get("/status").json()
        assert status["swaps"]["count"] == 2
        assert status["swaps"]["last_seconds"] > 0
        assert "took the place of 2, for which requests waited" in server.said()
        assert "haversack_pack_swaps_total 2.0" in server.get("/metrics").text
        (row,) = [row for row in status["models"] if row["loaded"]]
        assert (row["version"], row["pinned"]) == ("3", True)
    assert set(seen) == {(200, "1"), (200, "2"), (200, "3")}


def test_a_swap_to_a_pack_that_does_not_open_puts_the_old_one_back(
    tmp_path: Path, repository: Path
) -> None:
    words = (repository / "ant" / "1", "--packs", repository, *NARROW)
    with serving(tmp_path, *words) as server, load_on(server, "/predict/ant") as seen:
        wait_for(seen, (200, "1"))
        publish(tmp_path, "2")
        (repository / "ant" / "2" / "model.onnx").write_bytes(b"broken")
        assert server.post("/v2/repository/models/ant/load").status_code == 400
        wait_for(seen, (200, "1"))
    assert set(seen) == {(200, "1")}


def test_status_adds_up(tmp_path: Path) -> None:
    with serving(tmp_path, BLOBS, "--memory", "400M") as server:
        server.post("/predict/blobs", content=PHOTO.read_bytes())
        status = server.get("/status").json()
        memory = status["memory"]
        assert memory["budget_bytes"] == 400 << 20
        assert sum(part["bytes"] for part in memory["parts"]) == 400 << 20
        assert 0 < memory["in_use_bytes"] <= memory["budget_bytes"]
        assert 0 < memory["photos"]["most_bytes"] <= memory["photos"]["limit_bytes"]
        assert memory["calls"]["most_bytes"] > 0
        assert memory["photos"]["in_use_bytes"] == memory["calls"]["in_use_bytes"] == 0
        assert status["queue"]["served"] == 1
        assert status["jobs"] == {"queued": 0, "photo_bytes": 0}
        assert status["models"][0]["source"] == "measured here"
        assert status["models"][0]["cost_seconds"] > 0
        text = server.get("/metrics").text
        assert f"haversack_memory_budget_bytes {float(400 << 20):.8e}"[:38] in text


def test_a_worker_refuses_packs_that_do_not_fit_its_memory(tmp_path: Path) -> None:
    large = claims(pack(tmp_path, "large"), 400 << 20)
    told = refused_worker(tmp_path, large, "--memory", "300M", "--decode-limit", "64M")
    assert "the worker needs" in told
    assert "large@1" in told
    assert "--memory gives it 300 MiB" in told


def test_a_worker_does_not_promise_more_for_decoding_than_it_has(tmp_path: Path) -> None:
    told = refused_worker(tmp_path, BLOBS, "--memory", "200M", "--decode-limit", "1G")
    assert "one photo (--decode-limit)" in told


def refused_worker(folder: Path, *words: str | Path) -> str:
    """What a worker that does not start says."""
    done = not_started(folder, "worker", "--state", folder / "s", *words)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    return done.stderr


def refused(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """What a server that does not start leaves behind."""
    return not_started(folder, "serve", "--port", "0", "--state", folder / "s", *words)


def not_started(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """The installed command: a fork's own memory is not what a start takes."""
    return subprocess.run(
        [str(word) for word in (COMMAND, *words)],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
