"""Jobs of kind count: how many bytes a photo has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from haversack.jobs.command.child import ChildJob, run_child
from haversack.jobs.kind import JobInput, JobOption, JobWish, Lane, Words
from haversack.jobs.wishes import Wishes, whole
from haversack.packfile.manifest import Manifest


class CountKind:
    """See `jobs.kind.JobKind`."""

    name = "count"
    takes = JobInput.PHOTO
    lane = Lane(name="counts")
    options = (JobOption(name="times", text="How often.", schema={"type": "integer"}),)
    words = Words(one="A count", running="It counts.", result="a number of bytes")

    def read(self, wishes: Wishes) -> JobWish:
        """?times."""
        return JobWish(options=json.dumps({"times": whole(wishes, "times", (1, 9)) or 1}))

    def check_pack(self, manifest: Manifest) -> None:
        """Any pack will do."""


COUNT = CountKind()


def work(job: ChildJob) -> dict[str, Any]:
    """One attempt."""
    size = Path(job.task.photos, "photo").stat().st_size * job.task.options["times"]
    Path(job.task.out, "count.txt").write_text(str(size))
    return {"bytes": size}


if __name__ == "__main__":
    run_child(work)
