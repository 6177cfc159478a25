"""A run as exports see it: its facts, and its photos read one by one from the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from haversack.engine.results import PackIdentity, PhotoResult, TileCounts
from haversack.engine.tasks.table import survey_task
from haversack.engine.tasks.task import TaskOutcome
from haversack.formats.photos import Photos, Speed, SurveyRun
from haversack.survey.run.options import MergeTable, RunRecord, as_text
from haversack.survey.run.photo_columns import result_of
from haversack.survey.run.store import RunStore, StatusCount

# Below this share of busy threads, something else than their work decided the speed.
_BUSY = 0.7
# Of a shorter run, starting and ending are too large a part to say anything.
_TOLD_FROM_SECONDS = 5.0


def run_facts(folder: Path, record: RunRecord, store: RunStore) -> SurveyRun:
    """The facts of a run, as they are now."""
    merge = current_merge(record, store)
    return SurveyRun(
        name=folder.resolve().name,
        root=Path(record.root),
        pack=record.pack.name,
        version=record.pack.version,
        digest=record.pack.digest,
        labels=record.pack.labels,
        threshold=merge.threshold,
        rule=merge.rule,
        tile=record.grid.tile,
        overlap=record.grid.overlap,
        created=record.created,
        settings=as_text(record, merge),
        speed=speed(record, store),
    )


def current_merge(record: RunRecord, store: RunStore) -> MergeTable:
    """Rule and threshold of the objects in the database, perhaps changed by `survey merge`."""
    rule = store.meta("rule", record.merge.rule)
    threshold = float(store.meta("threshold", str(record.merge.threshold)))
    return MergeTable(rule=rule, threshold=threshold)  # type: ignore[arg-type]


def photo_reader(store: RunStore, record: RunRecord) -> Photos:
    """Reads the photos of a run from the first, by path; the store must stay open."""
    table = record.pack
    pack = PackIdentity(
        name=table.name, version=table.version, task=table.task, labels=table.labels
    )
    survey = survey_task(table.task)

    def found(number: int, tiles: TileCounts) -> TaskOutcome:
        return survey.stored(
            store.found(number),
            table.labels,
            candidates=tiles.candidates,
            truncated=tiles.truncated > 0,
        )

    def read() -> Iterator[PhotoResult]:
        for row in store.photo_rows():
            yield result_of(row, pack, found)

    return read


def speed(record: RunRecord, store: RunStore) -> Speed:
    """How fast a run went, over all its starts, and what held it back."""
    sums = list(store.counts().values())
    decode = sum(one.seconds_decode for one in sums)
    model = sum(one.seconds_model for one in sums)
    wall = float(store.meta("seconds", "0"))
    return Speed(
        seconds=wall,
        decode_seconds=decode,
        model_seconds=model,
        threads=record.speed.threads,
        batch=record.speed.batch,
        limited_by=_limit(record, decode, model, wall),
    )


def total(counts: dict[str, StatusCount], field: str) -> int:
    """One field summed over every status."""
    return int(sum(getattr(one, field) for one in counts.values()))


def _limit(record: RunRecord, decode: float, model: float, wall: float) -> str:
    work = decode + model
    if not work or wall < _TOLD_FROM_SECONDS:
        return ""
    if record.speed.device != "cpu":
        return f"decoding took {decode / wall:.1f} threads of CPU beside the {record.speed.device}"
    busy = work / (wall * record.speed.threads)
    if busy < _BUSY:
        return (
            f"waiting: the threads were busy for {busy:.0%} of the time; reading the files, or "
            "other work on the machine, took the rest"
        )
    first, share = ("the model", model) if model >= decode else ("decoding the photos", decode)
    return f"{first}: {share / work:.0%} of the CPU time"
