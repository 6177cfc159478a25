"""What is to go is looked for, and then it goes: both steps, one portion."""

from __future__ import annotations

from haversack.jobs.files import JobFiles, Role
from haversack.jobs.store import JobStore, Retention


def expire_results(store: JobStore, keep: Retention, most: int) -> int:
    return store.expire_results(store.old_results(keep, most))


def expire_inputs(store: JobStore, keep: Retention, most: int) -> list[str]:
    return store.expire_inputs(store.old_inputs(keep, most))


def remove_jobs(store: JobStore, keep: Retention, most: int) -> int:
    return store.remove_jobs(store.old_jobs(keep, most))


def remove_files(files: JobFiles, upload_seconds: float, most: int) -> list[str]:
    files.end_old(upload_seconds)
    return [blob for role in Role for blob in files.remove(role, files.old(role, most))]
