"""The state of a run in SQLite: one commit a photo, so a kill loses only what was in flight."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from haversack.engine.merge import TileBoxes
from haversack.engine.tasks.table import survey_task
from haversack.engine.tasks.task import FoundRow
from haversack.errors import HaversackError, Kind
from haversack.survey.flow.open_photo import OpenPhoto
from haversack.survey.flow.outcome import FinishedPhoto
from haversack.survey.run.photo_columns import (
    missing,
    read_statement,
    write_statement,
    written,
)
from haversack.survey.run.sources import SourcePhoto
from haversack.survey.run.statements import schema, statement

FORMAT = "1"
DATABASE = "run.sqlite"
LOCK = "run.lock"
_BUSY_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class StatusCount:
    """Photos of one status, with the sums of their tiles and seconds."""

    photos: int = 0
    tiles: int = 0
    tiles_skipped: int = 0
    tiles_missing: int = 0
    tiles_quartered: int = 0
    tiles_truncated: int = 0
    seconds_decode: float = 0.0
    seconds_model: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A photo that is not whole in the results, and why.

    `name` is its path as the system knows it; `path` can be shown and written.
    """

    path: str
    name: str
    status: str
    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What a listing changed: photos new, changed since, gone, and back again."""

    added: int
    changed: int
    vanished: int


class RunStore:
    """run.sqlite of one run folder. One thread; other processes may read meanwhile.

    Promises: `finish` is one transaction; after a kill the database holds whole photos only.

    Raises:
        HaversackError: `run-busy` where another process writes; `run-damaged` where the file is
            no database of a survey; `run-write-failed` where the disk is full or gone.
    """

    def __init__(self, folder: Path, *, write: bool) -> None:
        self._path = folder / DATABASE
        self._lock = _lock(folder) if write else None
        mode = "rwc" if write else "ro"
        address = f"{self._path.absolute().as_uri()}?mode={mode}"
        try:
            self._base = sqlite3.connect(
                address, uri=True, isolation_level=None, timeout=_BUSY_SECONDS
            )
            with self._guarded():
                self._prepare(write)
        except (HaversackError, sqlite3.Error) as fault:
            self._unlock()
            if isinstance(fault, HaversackError):
                raise
            raise _damaged(self._path, fault) from fault

    def __enter__(self) -> RunStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file and of the lock."""
        self._base.close()
        self._unlock()

    def list_photos(self, photos: Sequence[SourcePhoto], exists: Callable[[str], bool]) -> Listing:
        """Queue what is new, changed or failed; mark what is open and gone; done stays done.

        Args:
            photos: found now.
            exists: whether the file of that name is there, for open photos not among them.
        """
        added = changed = 0
        here: set[int] = set()
        with self._transaction():
            self._do("queue_failed")
            for photo in photos:
                shown, raw = _shown(photo.path)
                key = (shown, photo.size_bytes, photo.mtime_ns)
                row = self._do("same_photo", key).fetchone()
                if row is None:
                    changed += self._do("drop_older", key).rowcount
                    here.add(self._do("add_photo", (*key, raw)).lastrowid or 0)
                    added += 1
                else:
                    self._do("queue_again", (row[0],))
                    here.add(row[0])
            gone = [
                photo.id
                for photo in self.open_photos()
                if photo.id not in here and not exists(photo.name)
            ]
            self._many("mark_vanished", [(number,) for number in gone])
        return Listing(added=added, changed=changed, vanished=len(gone))

    def open_photos(self) -> list[OpenPhoto]:
        """Photos still to be looked at, by path."""
        return [
            OpenPhoto(
                id=number,
                path=path,
                name=os.fsdecode(raw) if raw is not None else path,
                size_bytes=size,
                mtime_ns=mtime,
            )
            for number, path, raw, size, mtime in self._do("open_photos")
        ]

    def finish(self, photo: FinishedPhoto, *, seconds_so_far: float) -> None:
        """Write one photo, all of it or nothing, in place of what an earlier attempt left."""
        result, found = photo.result, list[FoundRow]()
        if result.outcome is not None:
            found += survey_task(result.pack.task).rows(result.outcome)
        with self._transaction():
            self._do("drop_raw", (result.id,))
            self._many("add_raw", _raw_rows(result.id, photo.raw))
            self._write_found(result.id, found)
            self._run(write_statement(), written(result, _shown(result.error_message)[0]))
            self._do("set_meta", ("seconds", f"{seconds_so_far:.3f}"))

    def sized_photos(self) -> list[tuple[int, int, int]]:
        """(id, width, height) of every photo with results, by path."""
        return list(self._do("sized_photos"))

    def raw(self, photo_id: int) -> TileBoxes:
        """The boxes of one photo's tiles, as they were before the merge."""
        rows = np.array(list(self._do("read_raw", (photo_id,))), np.float64).reshape(-1, 8)
        return TileBoxes(
            boxes=rows[:, 3:7].astype(np.float32),
            scores=rows[:, 2].astype(np.float32),
            class_ids=rows[:, 1].astype(np.int64),
            tiles=rows[:, 0].astype(np.int64),
            cut=rows[:, 7] > 0,
        )

    def replace_found(
        self, merged: Iterator[tuple[int, list[FoundRow]]], facts: dict[str, str]
    ) -> int:
        """Put new objects in place of all, with the facts of the new merge, in one transaction."""
        objects = 0
        with self._transaction():
            for photo_id, found in merged:
                self._write_found(photo_id, found)
                objects += len(found)
            for item in facts.items():
                self._do("set_meta", item)
        return objects

    def found(self, photo_id: int) -> list[FoundRow]:
        """Each object of a photo, surest first."""
        return list(self._do("read_found", (photo_id,)))

    def photo_rows(self) -> Iterator[tuple[Any, ...]]:
        """Every photo's row, by path, as `photo_columns.result_of` takes it."""
        # Not `yield from`: that closes the cursor, which may outlive the database.
        for row in self._run(read_statement(self._photo_columns())):  # noqa: UP028
            yield row

    def counts(self) -> dict[str, StatusCount]:
        """Sums by status; a status that no photo has is left out."""
        return {status: _count(sums) for status, *sums in self._do("counts")}

    def failures(self) -> list[Failure]:
        """Photos that are partial, failed or vanished, by path."""
        return [
            Failure(
                path=path,
                name=os.fsdecode(raw) if raw is not None else path,
                status=status,
                code=code,
                message=message,
            )
            for path, status, code, message, raw in self._do("failures")
        ]

    def found_by_class(self) -> dict[int, tuple[int, int]]:
        """class_id -> (objects, photos that have any)."""
        return {row[0]: (row[1], row[2]) for row in self._do("found_by_class")}

    def meta(self, key: str, default: str = "") -> str:
        """One fact of the run."""
        row = self._do("get_meta", (key,)).fetchone()
        return row[0] if row is not None else default

    def set_meta(self, facts: dict[str, str]) -> None:
        """Write facts of the run, all or none."""
        with self._transaction():
            self._many("set_meta", list(facts.items()))

    def _prepare(self, write: bool) -> None:
        self._base.execute("PRAGMA foreign_keys = ON")
        if write:
            self._base.execute("PRAGMA journal_mode = WAL")
            # Whole after a kill at any moment; a power cut may cost the last photos, which are
            # then looked at again.
            self._base.execute("PRAGMA synchronous = NORMAL")
            if not self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                self._base.executescript(f"BEGIN; {schema()} COMMIT;")
                self.set_meta({"format": FORMAT})
        found = self.meta("format")
        if found != FORMAT:
            raise HaversackError(
                "run-damaged",
                f"{self._path} is of format {found!r}; this Haversack reads format {FORMAT}",
                hint="Use the Haversack that made it, or give --out another folder.",
            )
        for column in missing(self._photo_columns()) if write else ():
            self._run(f"ALTER TABLE photo ADD COLUMN {column.name} {column.added}")

    def _write_found(self, photo_id: int, rows: Iterable[FoundRow]) -> None:
        self._do("drop_found", (photo_id,))
        self._many("add_found", [(photo_id, number, *row) for number, row in enumerate(rows)])

    def _photo_columns(self) -> list[str]:
        return [row[1] for row in self._run("PRAGMA table_info(photo)")]

    def _do(self, name: str, values: Sequence[object] | dict[str, object] = ()) -> sqlite3.Cursor:
        return self._run(statement(name), values)

    def _run(self, sql: str, values: Sequence[object] | dict[str, object] = ()) -> sqlite3.Cursor:
        with self._guarded():
            return self._base.execute(sql, values)

    def _many(self, name: str, rows: Sequence[Sequence[object]]) -> None:
        with self._guarded():
            self._base.executemany(statement(name), rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._guarded():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._base.execute("COMMIT")
            except BaseException:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as fault:
            raise _write_failed(self._path, fault) from fault
        except sqlite3.DatabaseError as fault:
            raise _damaged(self._path, fault) from fault

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _lock(folder: Path) -> sqlite3.Connection:
    """Held for as long as the process lives; the system lets go of it after a kill too."""
    try:
        lock = sqlite3.connect(folder / LOCK, isolation_level=None, timeout=0)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as fault:
        if "locked" not in str(fault):
            raise _write_failed(folder / LOCK, fault) from fault
        raise HaversackError(
            "run-busy",
            f"another process is working in {folder}",
            hint="Wait until it ends, or look at it with `haversack survey status`.",
            kind=Kind.CONFLICT,
        ) from fault
    return lock


def _write_failed(path: Path, fault: Exception) -> HaversackError:
    return HaversackError(
        "run-write-failed",
        f"{path} cannot be used: {fault}",
        hint="See that the folder may be written, free space on the disk or bring it back, and "
        "give the same command again: what was written stays.",
        kind=Kind.UNAVAILABLE,
    )


def _damaged(path: Path, fault: Exception) -> HaversackError:
    return HaversackError(
        "run-damaged",
        f"{path} cannot be read as the database of a survey: {fault}",
        hint="Give another folder with --out, or put back a copy of the file.",
    )


def _shown(text: str) -> tuple[str, bytes | None]:
    """Text that can be stored, and its bytes where it is no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode(), os.fsencode(text)
    return text, None


def _count(sums: list[float]) -> StatusCount:
    photos, *tiles = (int(value) for value in sums[:-2])
    names = ("tiles", "tiles_skipped", "tiles_missing", "tiles_quartered", "tiles_truncated")
    return StatusCount(
        photos=photos,
        seconds_decode=float(sums[-2]),
        seconds_model=float(sums[-1]),
        **dict(zip(names, tiles, strict=True)),
    )


def _raw_rows(photo_id: int, raw: TileBoxes) -> list[tuple[object, ...]]:
    columns = (raw.tiles, raw.class_ids, raw.scores, raw.boxes, raw.cut)
    return [
        (photo_id, number, tile, class_id, score, *box, int(is_cut))
        for number, (tile, class_id, score, box, is_cut) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True)
        )
    ]
