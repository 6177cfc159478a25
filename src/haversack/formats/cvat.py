"""CVAT for images 1.1: boxes as XML, on pieces of photos around what was found.

Source: docs.cvat.ai, "XML annotation format", version 1.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import msgspec

from haversack.formats.names import label_names, one_line
from haversack.formats.photos import Photos, SurveyRun
from haversack.formats.pixels import PixelReader
from haversack.formats.replace import replaced_folder, write_note
from haversack.formats.review_crops import IMAGES, Mark, ReviewCrop, cut_photos
from haversack.formats.tally import Tally

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
ATTRIBUTES = {"score": ("text", ""), "context": ("checkbox", "false")}


def write(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """A folder with `images/`, `annotations.xml` and `labels.json` to make the task; gives `path`.

    Each box has its `score` and whether it is `context`: an object of a neighbouring piece, shown
    so that nobody draws it again.

    Raises:
        HaversackError: `export-over-folder`, `export-unwritable`.
    """
    tally, reader = Tally(), PixelReader(run=run)
    used = set(range(len(run.labels)))
    for photo in photos():
        used |= {found.class_id for found in photo.detections}
    names = list(dict.fromkeys(label_names(run.labels, i) for i in sorted(used)))
    with replaced_folder(path) as folder:
        with (folder / "annotations.xml").open("w", encoding="utf-8", newline="\n") as file:
            file.write(HEAD + _meta(run, names))
            crops = cut_photos(photos, folder, tally=tally, reader=reader)
            for number, crop in enumerate(crops):
                file.writelines(_image(run, number, crop))
            file.write("</annotations>\n")
        labels = msgspec.json.encode([_label(name) for name in names])
        (folder / "labels.json").write_bytes(msgspec.json.format(labels) + b"\n")
        write_note(folder, tally.note(run, "cvat") | reader.note())
    return path


def _meta(run: SurveyRun, names: list[str]) -> str:
    """The task's name and labels, without which some readers refuse the file."""
    attributes = "".join(
        f"<attribute><name>{name}</name><mutable>False</mutable><input_type>{kind}</input_type>"
        f"<default_value>{value}</default_value><values>{value}</values></attribute>"
        for name, (kind, value) in ATTRIBUTES.items()
    )
    labels = "".join(
        f"<label><name>{escape(name)}</name><type>rectangle</type>"
        f"<attributes>{attributes}</attributes></label>\n"
        for name in names
    )
    return (
        f"  <meta><task><name>{escape(one_line(run.name))}</name><mode>annotation</mode>\n"
        f"<labels>\n{labels}</labels></task></meta>\n"
    )


def _image(run: SurveyRun, number: int, crop: ReviewCrop) -> Iterator[str]:
    width, height = crop.size
    # CVAT names a frame by its path below the folder that was uploaded.
    name = quoteattr(str(crop.name.relative_to(IMAGES)))
    yield f'  <image id="{number}" name={name} width="{width}" height="{height}">\n'
    for mark in crop.marks:
        yield _box(label_names(run.labels, mark.found.class_id), mark)
    yield "  </image>\n"


def _box(label: str, mark: Mark) -> str:
    edges = zip(("xtl", "ytl", "xbr", "ybr"), mark.box, strict=True)
    places = " ".join(f'{name}="{edge:.2f}"' for name, edge in edges)
    context = "true" if mark.context else "false"
    return (
        f'    <box label={quoteattr(label)} source="auto" occluded="0" {places} z_order="0">\n'
        f'      <attribute name="score">{mark.found.score:.4f}</attribute>\n'
        f'      <attribute name="context">{context}</attribute>\n'
        "    </box>\n"
    )


def _label(name: str) -> dict[str, object]:
    """A label in the raw form of CVAT's task constructor."""
    attributes = [
        {"name": own, "input_type": kind, "mutable": False, "values": [value]}
        for own, (kind, value) in ATTRIBUTES.items()
    ]
    return {"name": name, "type": "rectangle", "attributes": attributes}
