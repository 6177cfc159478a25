"""A run, a pack and a server's state as they are on people's disks, as files that can be kept."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from pathlib import Path

from tests.golden.bench import Shell
from tests.golden.material import TAKEN_SECONDS, chequered, patched, short_jpeg
from tests.integration.survey_material import save
from tests.server.running import PHOTO, serving
from tests.server.test_jobs import ended

OLD = Path(__file__).parent / "old"
PASSWORD = "a password of old files"
TILES = ("--tile", "128", "--overlap", "32", "--threads", "2", "--batch", "2", "--quiet")
_MACHINE = re.compile(r'^(system|cpu) = ".*"$', re.MULTILINE)


def make_old(shell: Shell) -> None:
    """Fill `old`."""
    shutil.rmtree(OLD, ignore_errors=True)
    OLD.mkdir()
    shell.done("pack", "export", "few", str(OLD / "few.pack"))
    _run(shell)
    _state(shell)


def _run(shell: Shell) -> None:
    photos = shell.folder / "old-photos"
    save(photos / "east" / "0.png", patched(0, 250, 180))
    save(photos / "east" / "1.png", patched(1, 200, 150))
    save(photos / "west" / "crowded.png", chequered(128))
    (photos / "west" / "short.jpg").write_bytes(short_jpeg())
    (photos / "west" / "none.jpg").write_text("no photo")
    set_times(photos)
    run = shell.folder / "old-run"
    begun = ("survey", "run", "old-photos", "--pack", "few", "--out", "old-run", *TILES)
    assert shell.run(*begun).status == 3
    _interrupt(run / "run.sqlite", "east/1.png")
    shutil.copytree(photos, OLD / "photos")
    (OLD / "run").mkdir()
    (OLD / "run" / "run.sql").write_text(dumped(run / "run.sqlite"), encoding="utf-8")
    (OLD / "run" / "retry.txt").write_text(_placed((run / "retry.txt").read_text(), shell))
    (OLD / "run" / "run.toml").write_text(_placed((run / "run.toml").read_text(), shell))


def _interrupt(database: Path, photo: str) -> None:
    """As a run that was killed before this photo: it waits, and has no rows."""
    base = sqlite3.connect(database)
    with base:
        asked = base.execute("SELECT id, bytes FROM photo WHERE path = ?", (photo,))
        number, size = asked.fetchone()
        base.execute("DELETE FROM photo WHERE id = ?", (number,))
        base.execute(
            "INSERT INTO photo (id, path, bytes, mtime_ns) VALUES (?, ?, ?, ?)",
            (number, photo, size, TAKEN_SECONDS * 10**9),
        )
        for table in ("raw", "found"):
            base.execute(f"DELETE FROM {table} WHERE photo_id = ?", (number,))
    base.close()


def set_times(photos: Path) -> None:
    """A run knows a photo by size and time."""
    for path in photos.rglob("*"):
        os.utime(path, (TAKEN_SECONDS, TAKEN_SECONDS))


def _placed(text: str, shell: Shell) -> str:
    """Without this folder and this machine."""
    return _MACHINE.sub(r'\1 = "a machine"', text.replace(str(shell.folder), "{FOLDER}"))


def dumped(database: Path) -> str:
    """A SQLite file as SQL, with what `iterdump` leaves out."""
    base = sqlite3.connect(database)
    try:
        lines = [
            f"PRAGMA {name} = {base.execute(f'PRAGMA {name}').fetchone()[0]};"
            for name in ("user_version", "application_id")
        ]
        return "\n".join([*lines, *base.iterdump()]) + "\n"
    finally:
        base.close()


def restored(text: str, database: Path) -> Path:
    """The file again, with a write-ahead log as ours have."""
    base = sqlite3.connect(database)
    try:
        base.execute("PRAGMA journal_mode = WAL")
        base.executescript(text)
    finally:
        base.close()
    return database


def _state(shell: Shell) -> None:
    """Two people and a key, a pack that was sent, jobs that ended and one that waits."""
    folder = shell.folder / "old-server"
    folder.mkdir()
    with serving(folder) as server:
        server.post("/packs", content=(OLD / "few.pack").read_bytes()).raise_for_status()
        photo = PHOTO.read_bytes()
        for content in (photo, b"no photo at all"):
            address = server.post("/jobs/few", content=content).headers["location"]
            ended(server, address)
        upload = server.post("/uploads").headers["location"]
        crowded = (OLD / "photos" / "west" / "crowded.png").read_bytes()
        for name, data in (("east/1.png", photo), ("west/crowded.png", crowded)):
            server.post(upload, params={"name": name}, content=data).raise_for_status()
        query = {"upload": upload.rpartition("/")[2], "tile": "128", "overlap": "32"}
        ended(server, server.post("/jobs/few", params=query).headers["location"])
        state = server.state
    where = ("--state", str(state))
    (shell.folder / "waits.png").write_bytes(PHOTO.read_bytes())
    shell.done("jobs", "submit", "few", "waits.png", *where)
    for name, scopes in (("ada", ("jobs", "infer")), ("root", ("admin", "jobs", "infer"))):
        words = (word for scope in scopes for word in ("--scope", scope))
        typed = f"{PASSWORD}\n"
        shell.done("user", "add", name, "--password-stdin", *words, *where, typed=typed)
    key = shell.done("key", "add", "camera", *where).strip()
    (OLD / "key.txt").write_text(key + "\n")
    (OLD / "state").mkdir()
    (OLD / "state" / "jobs.sql").write_text(dumped(state / "jobs.sqlite"), encoding="utf-8")
    shutil.copytree(state / "blobs", OLD / "state" / "blobs", ignore=_large)


def _large(folder: str, names: list[str]) -> list[str]:
    """A survey's report has thumbnails: 600 kB that prove nothing more."""
    return [name for name in names if (Path(folder) / name).stat().st_size > 100_000]
