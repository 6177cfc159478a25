"""Jobs of kind predict: one photo each, whose record is the result."""

from __future__ import annotations

import json

from haversack.errors import HaversackError
from haversack.jobs.kind import PROMPT, JobInput, JobOption, JobWish, Words
from haversack.jobs.wishes import Wishes, flag, share
from haversack.packfile.manifest import Manifest


class PredictKind:
    """See `jobs.kind.JobKind`."""

    name = "predict"
    takes = JobInput.PHOTO
    lane = PROMPT
    options = (
        JobOption(
            name="threshold",
            text="The least score of an object; the pack's own where it is left out.",
            schema={"type": "number", "minimum": 0, "maximum": 1},
        ),
        JobOption(name="map", text="Also give a label map's pixels.", schema={"type": "boolean"}),
    )
    words = Words(
        one="A photo", running="The model looks at it.", result="a record", schemas=("Record",)
    )

    def read(self, wishes: Wishes) -> JobWish:
        """?threshold and ?map, as the photo's route has them."""
        threshold, with_map = share(wishes, "threshold"), flag(wishes, "map")
        options = ({} if threshold is None else {"threshold": threshold}) | (
            {"map": True} if with_map else {}
        )
        return JobWish(options=json.dumps(options))

    def check_pack(self, manifest: Manifest) -> None:
        """Raises HaversackError `pack-takes-tensors`."""
        if not manifest.takes_photos:
            name = manifest.name
            raise HaversackError(
                "pack-takes-tensors",
                f"{name} takes tensors; jobs that are sent here are photos",
                hint=f"POST /v2/models/{name}/infer, with `Prefer: respond-async` for a job.",
            )


PREDICT = PredictKind()
