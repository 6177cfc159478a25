"""The photos that the page offers to somebody who has none at hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import simplejpeg

from haversack.samples.scenes import draw_scene

PHOTOS_SHOWN = 12
SCENES_DRAWN = 3
JPEG_QUALITY = 90
# Growth of a process at its peak, as measured (2 vCPU, 2026-11-27), rounded up.
_DRAWING_BYTES = 80 << 20
MEDIA_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}


@dataclass(frozen=True, kw_only=True)
class SamplePhoto:
    """One photo on the shelf.

    Attributes:
        file: its name in the address.
        name: what a person reads under it.
        media_type: of `read()`.
        read: gives its bytes; may take as long as drawing it.
        need_bytes: of memory that `read` takes beside them.
    """

    file: str
    name: str
    media_type: str
    read: Callable[[], bytes]
    need_bytes: int = 0


class SampleShelf:
    """Up to twelve photos of a folder, or three aerial scenes drawn when they are first asked for.

    Promises: may be used by several threads at once; a scene is drawn once and its JPEG kept; no
    file outside the folder is ever read.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._drawing = threading.Lock()
        self._drawn: dict[int, bytes] = {}

    def photos(self) -> list[SamplePhoto]:
        """What is on the shelf now, by name: a folder is looked at anew each time."""
        if self._folder is None:
            return [self._scene(seed) for seed in range(SCENES_DRAWN)]
        return [_from_disk(path) for path in _photos(self._folder)[:PHOTOS_SHOWN]]

    def find(self, file: str) -> SamplePhoto | None:
        """The photo of that name, or None. Only names on the shelf are known, so none leads out."""
        return next((photo for photo in self.photos() if photo.file == file), None)

    def _scene(self, seed: int) -> SamplePhoto:
        return SamplePhoto(
            file=f"aerial_{seed:03d}.jpg",
            name=f"aerial {seed + 1}",
            media_type="image/jpeg",
            read=lambda: self._drawn_scene(seed),
            need_bytes=0 if seed in self._drawn else _DRAWING_BYTES,
        )

    def _drawn_scene(self, seed: int) -> bytes:
        with self._drawing:
            if seed not in self._drawn:
                pixels = draw_scene(seed).pixels
                self._drawn[seed] = simplejpeg.encode_jpeg(pixels, quality=JPEG_QUALITY)
            return self._drawn[seed]


def _from_disk(path: Path) -> SamplePhoto:
    return SamplePhoto(
        file=path.name,
        name=path.stem.replace("_", " ").replace("-", " "),
        media_type=MEDIA_TYPES[path.suffix.lower()],
        read=path.read_bytes,
    )


def _photos(folder: Path) -> list[Path]:
    """JPEG and PNG files that lie in the folder itself; a link that leads out of it is none."""
    home = folder.resolve()
    if not home.is_dir():
        return []
    return sorted(
        path
        for path in home.iterdir()
        if path.suffix.lower() in MEDIA_TYPES
        and path.is_file()
        and path.resolve().is_relative_to(home)
    )
