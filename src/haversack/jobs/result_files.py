"""The files that a job gives: kept with it, where its result is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from haversack.jobs.blobs import BlobStore, blob_name
from haversack.jobs.files import JobFile, JobFiles
from haversack.jobs.mapping import mapped


def keep_files(
    paths: Sequence[Path], job_id: str, blobs: BlobStore, files: JobFiles
) -> list[JobFile]:
    """Put each where the job's results are kept. Raises HaversackError `blobs-away`."""
    kept = []
    for path in paths:
        with path.open("rb") as opened, mapped(opened) as data:
            file = JobFile(name=path.name, blob=blob_name(data, job_id), size_bytes=len(data))
            blobs.put(file.blob, data)
        files.keep_result(job_id, file)
        kept.append(file)
    return kept
