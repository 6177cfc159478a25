"""Jobs as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from haversack.cli.output import console, print_record
from haversack.units import format_seconds


def print_jobs(jobs: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    """Jobs as a table, or one record a line."""
    if as_json:
        for job in jobs:
            print_record(job)
        return
    if not jobs:
        console().print("There are no such jobs.")
        return
    table = Table(box=None, header_style="bold")
    table.add_column("id", no_wrap=True, min_width=32)  # it is copied
    for head in ("state", "pack", "photo", "created", ""):
        table.add_column(head)
    for job in jobs:
        pack = f"{job['pack']}@{job['version']}" if job["version"] else job["pack"]
        table.add_row(
            job["id"], job["state"], pack, job["image"], job["created"][:19] + "Z", _remark(job)
        )
    console().print(table)


def told(job: dict[str, Any]) -> str:
    """One job in a line."""
    remark = _remark(job)
    return f"{job['id']}  {job['state']}" + (f"  {remark}" if remark else "")


def _remark(job: dict[str, Any]) -> str:
    if job["error"]:
        return f"{job['error']['message']} ({job['error']['code']})"
    if job["position"]:
        eta = job["eta_seconds"]
        return f"number {job['position']} in line" + (
            f", about {format_seconds(eta)}" if eta else ""
        )
    progress = job["progress"]
    return f"{progress['done']} of {progress['total']}" if progress["total"] else ""
