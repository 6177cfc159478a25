"""JSON lines: the canonical record of every photo, one a line."""

from __future__ import annotations

from pathlib import Path

import msgspec

from haversack.formats.photos import Photos, SurveyRun
from haversack.formats.replace import replaced_file

LEFT_OUT = frozenset({"queued", "vanished"})


def write(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """One line a photo that is done, partial or failed; gives `path`.

    Raises:
        HaversackError: `export-unwritable`.
    """
    with replaced_file(path) as file:
        for photo in photos():
            if photo.status not in LEFT_OUT:
                file.write(msgspec.json.encode(photo.to_dict()) + b"\n")
    return path
