"""What a survey that is a job gives: a summary, and files that are kept with the job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from haversack.engine.detections import label_of
from haversack.engine.results import PhotoResult
from haversack.formats import report
from haversack.formats.exports import EXPORTS
from haversack.formats.jsonl import LEFT_OUT
from haversack.formats.names import utf8
from haversack.formats.photos import Photos, SurveyRun
from haversack.formats.replace import replaced_file
from haversack.jobs.files import JobFile
from haversack.survey.run.begin import REPORT
from haversack.survey.run.facts import photo_reader, run_facts
from haversack.survey.run.options import RunRecord
from haversack.survey.run.store import RunStore

RECORDS = "results.jsonl"
PHOTOS = "photos.json"
_EXPORTED = ("counts", "transects", "megadetector", "coco-dataset")
_MAPPED = ("geojson",)
_PROBLEMS = 20
_PHOTO_ADDRESS = "../photo?name="


@dataclass(frozen=True, kw_only=True)
class JobRun:
    """A run that has ended, as a job tells of it.

    Attributes:
        folder: of the run.
        record: its run.toml.
        store: its database.
        title: what its sender called it.
        report_bytes: of memory for one photo while the report is drawn.
    """

    folder: Path
    record: RunRecord
    store: RunStore
    title: str
    report_bytes: int

    @property
    def facts(self) -> SurveyRun:
        """For exports, without where photos lie on the server."""
        facts = run_facts(self.folder, self.record, self.store)
        settings = {**facts.settings, "photos": self.title}
        settings.pop("root", None)
        return replace(facts, name=self.title, settings=settings, photo_address=_PHOTO_ADDRESS)


def write_files(run: JobRun, is_unwanted: Callable[[], bool]) -> list[Path]:
    """Every file in the run's folder; fewer once nobody wants them."""
    facts, photos, folder = run.facts, photo_reader(run.store, run.record), run.folder
    written = [EXPORTS["jsonl"].write(facts, photos, folder / RECORDS)]
    written.append(_write_index(facts, photos, folder / RECORDS, folder / PHOTOS))
    is_placed = any(photo.geotag.lon is not None for photo in photos())
    for name in (*_EXPORTED, *(_MAPPED if is_placed else ())):
        if is_unwanted():
            return written
        export = EXPORTS[name]
        written.append(export.write(facts, photos, folder / export.default_name))
    written.append(report.write(facts, photos, folder / REPORT, photo_bytes=run.report_bytes))
    return written


def summary(run: JobRun, job_id: str, files: list[JobFile]) -> str:
    """The job's result, as JSON."""
    store, record = run.store, run.record
    failures = [
        {"photo": utf8(one.name), "code": one.code, "message": utf8(one.message)}
        for one in store.failures()[:_PROBLEMS]
    ]
    told = {
        "job": job_id,
        "pack": f"{record.pack.name}@{record.pack.version}",
        "photos": {status: one.photos for status, one in store.counts().items()},
        "objects": {
            label_of(record.pack.labels, class_id): number
            for class_id, (number, _) in store.found_by_class().items()
        },
        "seconds": round(float(store.meta("seconds", "0")), 3),
        "problems": failures,
        "files": [{"name": file.name, "bytes": file.size_bytes} for file in files],
    }
    return msgspec.json.encode(told).decode()


def _write_index(run: SurveyRun, photos: Photos, records: Path, path: Path) -> Path:
    """photos.json: each photo with its counts, and where its record lies in `records`."""
    with records.open("rb") as lines, replaced_file(path) as file:
        start, first = 0, True
        file.write(b"[")
        for photo in photos():
            size = 0 if photo.status in LEFT_OUT else len(lines.readline())
            file.write(b"\n" if first else b",\n")
            file.write(msgspec.json.encode(_row(run, photo, start if size else None, size)))
            start, first = start + size, False
        file.write(b"\n]\n")
    return path


def _row(run: SurveyRun, photo: PhotoResult, start: int | None, size: int) -> dict[str, object]:
    objects: dict[str, int] = {}
    for found in photo.detections:
        if found.counted:
            label = label_of(run.labels, found.class_id)
            objects[label] = objects.get(label, 0) + 1
    error = (
        {"code": photo.error_code, "message": utf8(photo.error_message)}
        if photo.error_code
        else None
    )
    return {
        "name": utf8(photo.image),
        "status": photo.status,
        "width": photo.width,
        "height": photo.height,
        "objects": objects,
        "start": start,
        "size": size,
        "error": error,
    }
