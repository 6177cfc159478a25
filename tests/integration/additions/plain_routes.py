"""The route of the protocol Plain."""

from __future__ import annotations

from haversack.serve.protocols.plain import PlainPredict
from starlette.requests import Request
from starlette.responses import Response

from haversack.callers import Scope
from haversack.serve.http.context import Context, target_of
from haversack.serve.protocols.answering import SentBody


class PlainRoutes:
    """POST /plain/{name}."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._predict = PlainPredict(context.plane)

    async def predict(self, request: Request) -> Response:
        self._context.allow(request, Scope.INFER)
        async with self._context.body(request) as body:
            answer = await self._predict.answer(target_of(request), SentBody(body=body))
        return Response(answer.content, media_type="text/plain")
