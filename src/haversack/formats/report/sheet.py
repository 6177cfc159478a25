"""Contact sheets: small thumbnails of single objects, held in the page itself."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from PIL import Image, ImageDraw

from haversack.engine.results import PhotoResult
from haversack.formats.crops import crop_name, span
from haversack.formats.names import label_names, link_to
from haversack.formats.overlay import colour_of
from haversack.formats.photos import SurveyRun
from haversack.formats.pixels import Cut, PixelReader
from haversack.formats.report.findings import Sighting
from haversack.formats.report.markup import text

SIDE_PX = 176
THUMBNAIL_BYTES = 24_000
"""Of one thumbnail; 48 of them, in base64, stay under 1.6 MB."""
PHOTO_BYTES = 400 << 20
"""Of memory for one photo: the report is also written at the end of a run in a small container."""
CROPS = "exports/crops"
"""Where the run's crops are, beside the report, if they were exported."""

Thumbnails = dict[tuple[int, int], str]


def draw_all(run: SurveyRun, sightings: Iterable[Sighting], photo_bytes: int) -> Thumbnails:
    """A data URI for each (photo's id, object's number); those not to be read are left out.

    Each photo is read once, one at a time.
    """
    by_photo: dict[int, list[Sighting]] = {}
    for one in sightings:
        by_photo.setdefault(one.photo.id, []).append(one)
    reader = PixelReader(run=run, limit_bytes=photo_bytes)
    drawn: Thumbnails = {}
    for group in by_photo.values():
        cut = reader.cutter(group[0].photo)
        shown = [] if cut is None else [(one, _thumbnail(cut, one)) for one in group]
        drawn |= {(one.photo.id, one.number): thumbnail for one, thumbnail in shown if thumbnail}
    return drawn


def sheet(run: SurveyRun, sightings: list[Sighting], thumbnails: Thumbnails, page: Path) -> str:
    """The thumbnails in a grid, each a link to its crop or else to its photo; "" where none.

    Args:
        page: where the report will lie: links are relative to it.
    """
    if not sightings:
        return ""
    return (
        f'<div class="sheet">{"".join(_figure(run, s, thumbnails, page) for s in sightings)}</div>'
    )


def _figure(run: SurveyRun, one: Sighting, thumbnails: Thumbnails, page: Path) -> str:
    label = text(label_names(run.labels, one.found.class_id), 40)
    score = f"{one.found.score:.2f}"
    source = thumbnails.get((one.photo.id, one.number))
    shown = (
        f'<img src="{source}" alt="{label}, {score}">'
        if source
        else '<span class="gone">the photo cannot be read again</span>'
    )
    name = text(one.photo.image.rpartition("/")[2], 36)
    return (
        f'<figure><a href="{text(_target(run, one, page), 4000)}" '
        f'title="{text(one.photo.image)}">{shown}</a>'
        f"<figcaption><b>{label}</b> {score}<br><span>{name}</span></figcaption></figure>"
    )


def _target(run: SurveyRun, one: Sighting, page: Path) -> str:
    """The crop where it was exported, else the photo; relative to the page."""
    if run.photo_address:
        return run.photo_address + quote(one.photo.image, safe="")
    crop = Path(CROPS) / crop_name(run, one.photo, one.number, one.found)
    if (page.parent / crop).is_file():
        return link_to(str(crop))
    return link_to(_relative(run.root, one.photo, page))


def _relative(root: Path, photo: PhotoResult, page: Path) -> str:
    try:
        return os.path.relpath(root.absolute() / photo.image, page.parent.absolute())
    except ValueError:
        # On another drive.
        return photo.image


def _thumbnail(cut: Cut, one: Sighting) -> str:
    """A square around the object, its box drawn, as a JPEG in a data URI; "" where not read."""
    x1, y1, x2, y2 = one.found.box
    side = max(64, round(1.8 * max(x2 - x1, y2 - y1)))
    (left, right), (top, bottom) = (
        span((low + high - side) / 2, (low + high + side) / 2, 1, limit)
        for low, high, limit in ((x1, x2, one.photo.width), (y1, y2, one.photo.height))
    )
    part = cut((left, top, right, bottom))
    if part is None:
        return ""
    whole = Image.fromarray(part)
    scale = 2 * SIDE_PX / max(whole.size)
    size = (max(1, round(whole.width * scale)), max(1, round(whole.height * scale)))
    thumbnail = whole.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    frame = [round(edge * scale) for edge in (x1 - left, y1 - top, x2 - left, y2 - top)]
    _outline(thumbnail, frame, colour_of(one.found.class_id))
    return "data:image/jpeg;base64," + base64.b64encode(_small_jpeg(thumbnail)).decode("ascii")


def _outline(thumbnail: Image.Image, frame: list[int], colour: tuple[int, int, int]) -> None:
    """A line around the frame, not on what it holds, between two dark ones."""
    draw = ImageDraw.Draw(thumbnail)
    left, top = frame[0], frame[1]
    right, bottom = max(left, frame[2] - 1), max(top, frame[3] - 1)
    for wider, width, ink in ((5, 5, (0, 0, 0)), (4, 3, colour)):
        edges = (left - wider, top - wider, right + wider, bottom + wider)
        draw.rectangle(edges, outline=ink, width=width)


def _small_jpeg(thumbnail: Image.Image) -> bytes:
    """As good as `THUMBNAIL_BYTES` allow."""
    for quality in (85, 75, 60, 40, 20):
        file = io.BytesIO()
        thumbnail.save(file, format="JPEG", quality=quality)
        if file.tell() <= THUMBNAIL_BYTES:
            break
        if quality == 40:
            thumbnail = thumbnail.reduce(2)
    return file.getvalue()
