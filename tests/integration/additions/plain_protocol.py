"""Plain: a photo in, the first name that the answer has for it out."""

from __future__ import annotations

from haversack.engine.results import PhotoResult
from haversack.packfile.manifest import Manifest
from haversack.serve.models.model import ServedModel
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.visits import Target
from haversack.serve.protocols.answering import Answer, SentBody


class PlainPredict:
    """See `Answering`."""

    route = "plain"

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    async def check(self, manifest: Manifest, sent: SentBody) -> None:
        pass

    async def answer(self, target: Target, sent: SentBody) -> Answer:
        def render(result: PhotoResult, model: ServedModel) -> Answer:
            named = next((one.label for one in result.detections), "nothing")
            return Answer(content=named.encode(), version=model.identity.version)

        return await self._plane.photos.predict(target, sent.body, render)
