"""What the exports of `small_run` are, to the byte.

After a change that is meant: python -m tests.unit.formats.golden, and read the difference.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.unit.formats import survey_runs as made

from haversack.formats.exports import EXPORTS

FOLDER = Path(__file__).parent / "golden"
FILES = {
    "jsonl": ("results.jsonl",),
    "coco": ("coco-results.json",),
    "coco-dataset": ("coco-dataset.json",),
    "megadetector": ("megadetector.json",),
    "megadetector-csv": ("megadetector.csv",),
    "counts": ("counts.csv",),
    "transects": ("transects.csv",),
    "geojson": ("found.geojson",),
    "geojsonl": ("found.geojsonl",),
    "yolo": ("yolo/index.csv", "yolo/labels/a/one.txt", "yolo/labels/a/one.png.txt"),
    "crops": ("crops/index.csv",),
    "labelstudio": ("labelstudio/tasks.json", "labelstudio/labels.xml"),
    "cvat": ("cvat/annotations.xml", "cvat/labels.json"),
}
"""The text files of each export; photos depend on the version of the encoder."""


def export_all(folder: Path) -> Path:
    """Every export of `small_run` by its default name; gives the folder that holds them."""
    listed = made.small_run()
    made.draw(folder / "photos", listed)
    run, photos = made.run(folder / "photos"), made.photos(listed)
    for export in EXPORTS.values():
        export.write(run, photos, folder / "exports" / export.default_name)
    return folder / "exports"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        written = export_all(Path(place))
        for names in FILES.values():
            for name in names:
                target = FOLDER / name.replace("/", "-")
                target.write_bytes((written / name).read_bytes())
