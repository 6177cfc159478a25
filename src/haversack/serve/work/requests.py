"""Jobs of kind request: a V1 or V2 body that was kept, answered by the route's own code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from haversack.jobs.handler import Attempt, Outcome
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.encoded_photo import PhotoBytes
from haversack.serve.protocols.answering import Answering, SentBody
from haversack.serve.protocols.v1 import V1Predict
from haversack.serve.protocols.v2 import V2Infer
from haversack.serve.work.predict import target_of
from haversack.serve.work.request_kind import HEADER_LENGTH, REQUEST, ROUTE
from haversack.serve.work.resources import ServerResources
from haversack.serve.work.waiting import until_free


class RequestHandler:
    """See `jobs.handler.Handler`. Waits while the data plane is busy.

    `loop` is the one that the data plane belongs to; `run` is called from any other thread.
    """

    kind = REQUEST.name

    def __init__(self, plane: DataPlane, loop: asyncio.AbstractEventLoop) -> None:
        self._plane = plane
        self._loop = loop
        ways: tuple[Answering, ...] = (V1Predict(plane), V2Infer(plane))
        self._ways = {way.route: way for way in ways}

    def packs(self) -> Sequence[str]:
        """Every pack on offer, loaded or not, in each of its versions."""
        return self._plane.catalogue.offers.names()

    def run(self, attempt: Attempt) -> Outcome:
        """The JSON that the route would have answered."""
        asked = json.loads(attempt.job.options)
        way, target = self._ways[asked[ROUTE]], target_of(attempt.job)
        with attempt.opened_input() as body:
            sent = SentBody(
                body=PhotoBytes(body),
                header_length=asked.get(HEADER_LENGTH, ""),
                is_job=True,
            )
            answer = until_free(self._loop, attempt.unwanted, lambda: way.answer(target, sent))
        return Outcome(result=answer.content.decode(), version=answer.version)

    def tidy(self) -> None:
        """Nothing is left."""


def handler(resources: ServerResources) -> RequestHandler:
    """Of a server, or of a worker beside it."""
    return RequestHandler(resources.plane, resources.loop)
