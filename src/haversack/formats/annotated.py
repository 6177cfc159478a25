"""Photos with what was found drawn on them, one copy a photo."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np

from haversack.engine.detections import Detections
from haversack.engine.results import PackIdentity, PhotoResult
from haversack.formats.names import file_for
from haversack.formats.overlay import save_annotated
from haversack.formats.photos import Photos, SurveyPhoto, SurveyRun
from haversack.formats.pixels import PixelReader
from haversack.formats.replace import replaced_folder, write_note
from haversack.formats.tally import LOOKED_AT, Tally


def write(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """A folder of JPEGs, one for each photo with objects, in the photos' own folders; gives `path`.

    Photos without objects are not copied: they would fill a disk and show nothing. Photos that
    cannot be read again are named in the folder's note.

    Raises:
        HaversackError: `export-over-folder`, `export-unwritable`.
    """
    tally, reader = Tally(), PixelReader(run=run)
    with replaced_folder(path) as folder:
        for photo in tally.watch(photos):
            if photo.status not in LOOKED_AT or not photo.objects:
                continue
            pixels = reader.read(photo)
            if pixels is None:
                continue
            file = folder / _name(photo)
            file.parent.mkdir(parents=True, exist_ok=True)
            save_annotated(pixels, result_of(run, photo), file)
        write_note(folder, tally.note(run, "annotated") | reader.note())
    return path


def _name(photo: SurveyPhoto) -> PurePosixPath:
    """The photo's own path where that says JPEG, else with .jpg behind it."""
    own = file_for(photo.path, photo.id, "")
    is_jpeg = own.suffix.lower() in (".jpg", ".jpeg")
    return own if is_jpeg else file_for(photo.path, photo.id, ".jpg")


def result_of(run: SurveyRun, photo: SurveyPhoto) -> PhotoResult:
    """The photo's objects as the result that a prediction would give."""
    pack = PackIdentity(name=run.pack, version=run.version, task="detect", labels=run.labels)
    found = Detections(
        boxes=np.array([one.box for one in photo.objects], np.float32).reshape(-1, 4),
        scores=np.array([one.score for one in photo.objects], np.float32),
        class_ids=np.array([one.class_id for one in photo.objects], np.int64),
        candidates=len(photo.objects),
        truncated=photo.tiles_truncated > 0,
    )
    return PhotoResult(
        image=photo.path, width=photo.width, height=photo.height, pack=pack, outcome=found
    )
