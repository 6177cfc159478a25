"""The routes of V1, as TensorFlow Serving, KServe and managed engines' clients speak it.

Source: `tensorflow_serving/g3doc/api_rest.md`; KServe, "V1 inference protocol".
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from haversack.asgi.errors import json_response
from haversack.callers import Scope
from haversack.serve.http.context import Context, target_of
from haversack.serve.http.job_queries import prefers_later
from haversack.serve.http.later import Submit
from haversack.serve.protocols.answering import SentBody
from haversack.serve.protocols.v1 import V1Predict


class V1Routes:
    """The endpoints of V1."""

    def __init__(self, context: Context, submit: Submit) -> None:
        self._context = context
        self._submit = submit
        self._predict = V1Predict(context.plane)

    async def models(self, request: Request) -> Response:
        """GET /v1/models: the names of what is loaded."""
        self._context.allow(request, Scope.INFER)
        names = {model.identity.name for model in self._context.plane.catalogue.models()}
        return json_response({"models": sorted(names)})

    async def model(self, request: Request) -> Response:
        """GET /v1/models/{name}: TensorFlow Serving's status and KServe's, in one object."""
        self._context.allow(request, Scope.INFER)
        params = request.path_params
        with self._context.plane.catalogue.use(params["name"], params.get("version")) as model:
            status = {
                "version": model.identity.version,
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
            return json_response(
                {"name": model.identity.name, "ready": True, "model_version_status": [status]}
            )

    async def predict(self, request: Request) -> Response:
        """POST /v1/models/{name}:predict; with `Prefer: respond-async` as a job."""
        if prefers_later(request):
            return await self._submit(request, self._predict)
        async with self._context.body(request) as body:
            answer = await self._predict.answer(target_of(request), SentBody(body=body))
        return Response(answer.content, media_type="application/json")
