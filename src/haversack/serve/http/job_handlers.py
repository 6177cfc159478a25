"""The handlers of the routes about jobs, by the ids of the contract table."""

from __future__ import annotations

from haversack.serve.http.job_context import JobContext
from haversack.serve.http.job_files import JobFileRoutes
from haversack.serve.http.jobs import JobRoutes
from haversack.serve.http.table_routes import Handler
from haversack.serve.http.uploads import UploadRoutes


def job_handlers(context: JobContext, jobs: JobRoutes) -> dict[str, Handler]:
    """Those of `contract.jobs.job_operations`, but for the one that must know photos."""
    uploads, files = UploadRoutes(context), JobFileRoutes(context)
    return {
        "job_submit": jobs.submit,
        "jobs": jobs.index,
        "job": jobs.show,
        "job_cancel": jobs.cancel,
        "job_events": jobs.events,
        "job_result": jobs.result,
        "job_retry": jobs.retry,
        "job_file": files.result,
        "upload_begin": uploads.begin,
        "upload_photo": uploads.add,
        "upload": uploads.show,
        "upload_remove": uploads.remove,
    }
