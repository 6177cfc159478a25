"""Jobs of kind request: the body of a V1 or V2 request, whose answer is the result."""

from __future__ import annotations

import json

from haversack.jobs.kind import PROMPT, JobInput, JobOption, JobWish, Words
from haversack.jobs.wishes import Wishes
from haversack.packfile.manifest import Manifest

ROUTE, HEADER_LENGTH = "route", "header_length"
"""What the route says of a body that it hands in, beside what the caller says."""


class RequestKind:
    """See `jobs.kind.JobKind`."""

    name = "request"
    takes = JobInput.REQUEST
    lane = PROMPT
    options: tuple[JobOption, ...] = ()
    words = Words(
        one="A request",
        running="The model looks at it.",
        result="what the job's V1 or V2 route would answer",
        schemas=("InferResponse", "PredictResponse"),
    )

    def read(self, wishes: Wishes) -> JobWish:
        """The route, and the header Inference-Header-Content-Length where there was one."""
        length = wishes.get(HEADER_LENGTH, "")
        options = {ROUTE: wishes[ROUTE]} | ({HEADER_LENGTH: length} if length else {})
        return JobWish(options=json.dumps(options))

    def check_pack(self, manifest: Manifest) -> None:
        """Every pack answers requests; the route has looked at the body."""


REQUEST = RequestKind()
