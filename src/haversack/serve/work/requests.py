"""Jobs of kind request: a V1 or V2 body that was kept, answered by the route's own code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

from haversack.jobs.handler import Attempt, Outcome
from haversack.jobs.job import NewJob
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.encoded_photo import PhotoBytes
from haversack.serve.protocols.answering import Answering, SentBody
from haversack.serve.protocols.v1 import V1Predict
from haversack.serve.protocols.v2 import V2Infer
from haversack.serve.work.kinds import REQUEST
from haversack.serve.work.predict import target_of
from haversack.serve.work.waiting import until_free


def as_request(wished: NewJob, route: str, header_length: str) -> NewJob:
    """The job of a body that came by that route, with its Inference-Header-Content-Length or ""."""
    options = {"route": route} | ({"header_length": header_length} if header_length else {})
    return replace(wished, kind=REQUEST, options=json.dumps(options))


class RequestHandler:
    """See `jobs.handler.Handler`. Waits while the data plane is busy.

    `loop` is the one that the data plane belongs to; `run` is called from any other thread.
    """

    kind = REQUEST

    def __init__(self, plane: DataPlane, loop: asyncio.AbstractEventLoop) -> None:
        self._plane = plane
        self._loop = loop
        ways: tuple[Answering, ...] = (V1Predict(plane), V2Infer(plane))
        self._ways = {way.route: way for way in ways}

    def packs(self) -> Sequence[str]:
        """Every pack on offer, loaded or not, in each of its versions."""
        found = []
        for files in self._plane.catalogue.offers.all():
            manifest = files.manifest
            found += [manifest.name, f"{manifest.name}@{manifest.version}"]
        return found

    def run(self, attempt: Attempt) -> Outcome:
        """The JSON that the route would have answered."""
        asked = json.loads(attempt.job.options)
        way, target = self._ways[asked["route"]], target_of(attempt.job)
        with attempt.opened_input() as body:
            sent = SentBody(
                body=PhotoBytes(body),
                header_length=asked.get("header_length", ""),
                is_job=True,
            )
            answer = until_free(self._loop, attempt.unwanted, lambda: way.answer(target, sent))
        return Outcome(result=answer.content.decode(), version=answer.version)

    def tidy(self) -> None:
        """Nothing is left."""
