"""Workers killed with -9 at random moments, connections cut: no job lost, none with two results."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.databases import Postgres, running_postgres

COMMAND = Path(__file__).parents[2] / "benchmarks" / "jobs_chaos.py"


def _holds(url: str, *options: str) -> None:
    """The command kills, waits and counts; see its page for what it counts as whole."""
    words = [sys.executable, str(COMMAND), "--database", url, *options]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert done.returncode == 0, report
    assert (report["doubled"], report["wrong"]) == (0, 0)
    assert report["states"] == {"done": report["accepted"]}
    assert report["kills"] >= 5
    assert report["again"], "no job was under way when its worker was killed: nothing was shown"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


def test_workers_killed_at_random_lose_and_double_nothing_on_sqlite(tmp_path: Path) -> None:
    _holds(str(tmp_path / "jobs.sqlite"), "--jobs", "300")


def test_workers_killed_and_connections_cut_lose_and_double_nothing_on_postgresql(
    postgres: Postgres,
) -> None:
    _holds(postgres.new_database(), "--jobs", "300", "--cut")


@pytest.mark.slow
@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_two_thousand_jobs_are_done_once_each(
    where: str, postgres: Postgres, tmp_path: Path
) -> None:
    url = str(tmp_path / "jobs.sqlite") if where == "sqlite" else postgres.new_database()
    _holds(url, "--jobs", "2000")


@pytest.mark.slow
def test_postgresql_crashing_under_killed_workers_loses_and_doubles_nothing(
    postgres: Postgres,
) -> None:
    if postgres.stop is None or postgres.start is None:
        pytest.skip("the PostgreSQL of HAVERSACK_TEST_DATABASE is not ours to stop")
    stop, start = postgres.stop, postgres.start
    ended = threading.Event()
    crashes = 0

    def crash_now_and_then() -> None:
        nonlocal crashes
        while not ended.wait(2.5):
            stop()  # at once, without a checkpoint, as a crash is
            ended.wait(0.5)
            start()
            crashes += 1

    url = postgres.new_database()
    thread = threading.Thread(target=crash_now_and_then)
    thread.start()
    try:
        _holds(url, "--jobs", "600", "--seconds-each", "0.02")
    finally:
        ended.set()
        thread.join()
    assert crashes >= 2
