"""Which store of jobs' inputs an address leads to."""

from __future__ import annotations

from pathlib import Path

from haversack.jobs.blobs import BlobStore
from haversack.jobs.folder_blobs import FolderBlobs
from haversack.jobs.object_blobs import ObjectBlobs


def open_blobs(place: str | Path, spool: Path | None = None) -> BlobStore:
    """The store at a folder, `file:///folder` or `s3://bucket/prefix` (also gs://, az://).

    Args:
        spool: folder on a disk of this machine, through which blobs from elsewhere are read; None
            for the system's own place for temporary files.

    Raises:
        HaversackError: `extra-missing` where obstore is not installed; `blobs-away`.
    """
    text = str(place)
    if "://" not in text:
        return FolderBlobs(Path(text), spool)
    if text.startswith("file://"):
        return FolderBlobs(Path(text.removeprefix("file://")), spool)
    return ObjectBlobs(text, spool)
