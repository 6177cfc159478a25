"""Watched servers: one with the machine's disk, one whose disk is slow."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.loop.packs import quick_packs
from tests.loop.visits import PASSWORD, Caller
from tests.loop.watching import Watched, shim, watched
from tests.server.test_accounts import add_user


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A detector, a label map and a pack of tensors."""
    return quick_packs(tmp_path_factory.mktemp("quick-packs"))


@contextlib.contextmanager
def _guarded(folder: Path, quick: list[Path], slow_disk: Path | None) -> Iterator[Watched]:
    """With accounts, so that every request asks the database who sends it."""
    scopes = ("infer", "jobs", "admin", "metrics")
    add_user(folder, "root", *(word for scope in scopes for word in ("--scope", scope)))
    accounts = folder / "accounts.sqlite"
    words: list[str | Path] = ["--database", accounts, "--memory", "512M", *quick]
    with watched(folder, *words, slow_disk=slow_disk) as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, quick: list[Path]) -> Iterator[Watched]:
    """Whose loop and memory are watched."""
    with _guarded(tmp_path_factory.mktemp("watched"), quick, None) as running:
        yield running


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, quick: list[Path]) -> Iterator[Watched]:
    """Whose disk takes 200 ms more for whatever must reach it."""
    folder = tmp_path_factory.mktemp("slow-disk")
    with _guarded(folder, quick, shim(folder)) as running:
        yield running


@contextlib.contextmanager
def calling(server: Watched, quick: list[Path]) -> Iterator[Caller]:
    """Root, signed in."""
    with httpx.Client(base_url=server.url, timeout=60, verify=False) as client:
        answer = client.post("/session", json={"user": "root", "password": PASSWORD})
        assert answer.status_code == 204, answer.text
        client.headers["X-CSRF-Token"] = client.get("/session").json()["csrf_token"]
        yield Caller(client=client, packs=quick, folder=server.folder)


@pytest.fixture(scope="module")
def caller(server: Watched, quick: list[Path]) -> Iterator[Caller]:
    with calling(server, quick) as one:
        yield one


@pytest.fixture(scope="module")
def slow_caller(slow: Watched, quick: list[Path]) -> Iterator[Caller]:
    with calling(slow, quick) as one:
        yield one
