"""Photos with what was found drawn on them, one copy a photo."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from haversack.engine.results import PhotoResult
from haversack.formats.names import file_for
from haversack.formats.overlay import save_annotated
from haversack.formats.photos import Photos, SurveyRun
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
            if photo.status not in LOOKED_AT or not photo.detections:
                continue
            pixels = reader.read(photo)
            if pixels is None:
                continue
            file = folder / _name(photo)
            file.parent.mkdir(parents=True, exist_ok=True)
            save_annotated(pixels, photo, file)
        write_note(folder, tally.note(run, "annotated") | reader.note())
    return path


def _name(photo: PhotoResult) -> PurePosixPath:
    """The photo's own path where that says JPEG, else with .jpg behind it."""
    own = file_for(photo.image, photo.id, "")
    is_jpeg = own.suffix.lower() in (".jpg", ".jpeg")
    return own if is_jpeg else file_for(photo.image, photo.id, ".jpg")
