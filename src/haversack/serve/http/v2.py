"""V2 inference and model metadata over HTTP.

Source: KServe Open Inference Protocol, REST, 2025-05.
"""

from __future__ import annotations

import gzip
import zlib
from contextlib import AbstractContextManager

from starlette.requests import Request
from starlette.responses import Response

from haversack.asgi.errors import json_response
from haversack.callers import Scope
from haversack.engine.devices import CPU, number
from haversack.packfile.signature import TensorSpec
from haversack.serve.http.context import Context, target_of
from haversack.serve.http.job_queries import prefers_later
from haversack.serve.http.later import Submit
from haversack.serve.models.model import ServedModel
from haversack.serve.protocols.answering import HEADER_LENGTH, Answer, SentBody
from haversack.serve.protocols.v2 import V2Infer
from haversack.version import __version__

EXTENSIONS = (
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository",
    "statistics",
)
"""Those that are implemented, by Triton's names."""

_PLATFORM = "onnx_onnxv1"
_LEAST_PACKED_BYTES = 1024


class V2Routes:
    """The endpoints of V2 inference."""

    def __init__(self, context: Context, submit: Submit) -> None:
        self._context = context
        self._submit = submit
        self._infer = V2Infer(context.plane)

    async def server(self, request: Request) -> Response:
        """GET /v2."""
        return json_response(
            {"name": "haversack", "version": __version__, "extensions": list(EXTENSIONS)}
        )

    async def model(self, request: Request) -> Response:
        """GET /v2/models/{name}: what it takes and gives."""
        self._context.allow(request, Scope.INFER)
        with self._use(request) as model:
            signature = model.takes.signature
            return json_response(
                {
                    "name": model.identity.name,
                    "versions": [
                        one.identity.version
                        for one in self._context.plane.catalogue.models()
                        if one.identity.name == model.identity.name
                    ],
                    "platform": _PLATFORM,
                    "inputs": [_tensor(spec) for spec in signature.inputs],
                    "outputs": [_tensor(spec) for spec in signature.outputs],
                }
            )

    async def ready(self, request: Request) -> Response:
        """GET /v2/models/{name}/ready."""
        with self._use(request) as model:
            return json_response({"name": model.identity.name, "ready": True})

    async def config(self, request: Request) -> Response:
        """GET /v2/models/{name}/config: Triton's ModelConfig, as far as it says something here."""
        self._context.allow(request, Scope.INFER)
        with self._use(request) as model:
            return json_response(_config(model))

    async def statistics(self, request: Request) -> Response:
        """GET /v2/models/stats and /v2/models/{name}/stats."""
        self._context.allow(request, Scope.INFER)
        if "name" in request.path_params:
            with self._use(request) as model:
                models = [model]
        else:
            models = self._context.plane.catalogue.models()
        rows = [m.statistics.to_dict(m.identity.name, m.identity.version) for m in models]
        return json_response({"model_stats": rows})

    async def infer(self, request: Request) -> Response:
        """POST /v2/models/{name}/infer; with `Prefer: respond-async` as a job."""
        if prefers_later(request):
            return await self._submit(request, self._infer)
        async with self._context.body(request) as body:
            sent = SentBody(body=body, header_length=request.headers.get(HEADER_LENGTH, ""))
            answer = await self._infer.answer(target_of(request), sent)
        return _response(answer, request.headers.get("accept-encoding", ""))

    def _use(self, request: Request) -> AbstractContextManager[ServedModel]:
        params = request.path_params
        return self._context.plane.catalogue.use(params["name"], params.get("version"))


def _tensor(spec: TensorSpec) -> dict[str, object]:
    return {"name": spec.name, "datatype": spec.datatype, "shape": list(spec.shape)}


def _config(model: ServedModel) -> dict[str, object]:
    def tensor(spec: TensorSpec) -> dict[str, object]:
        kind = {"BYTES": "STRING"}.get(spec.datatype, spec.datatype)
        return {"name": spec.name, "data_type": f"TYPE_{kind}", "dims": list(spec.shape)}

    return {
        "name": model.identity.name,
        "platform": _PLATFORM,
        "backend": "onnxruntime",
        "version_policy": {"latest": {"num_versions": 1}},
        # 0: the dims below are whole, with no batch dimension left out.
        "max_batch_size": 0,
        "input": [tensor(spec) for spec in model.takes.signature.inputs],
        "output": [tensor(spec) for spec in model.takes.signature.outputs],
        "instance_group": [
            {
                "name": model.identity.name,
                "kind": "KIND_CPU" if model.device == CPU else "KIND_GPU",
                "count": 1,
                "gpus": [] if model.device == CPU else [number(model.device)],
            }
        ],
        "default_model_filename": "model.onnx",
    }


def _response(answer: Answer, accept: str) -> Response:
    """Packed only where the caller asks for one encoding and no other.

    A browser or a library names all it knows, and would wait longer for the packing than for the
    bytes; Triton's client names one, when its user wants it.
    """
    headers, content = {}, answer.content
    if answer.json_bytes is None:
        media_type = "application/json"
    else:
        media_type = "application/octet-stream"
        headers[HEADER_LENGTH] = str(answer.json_bytes)
    if accept in ("gzip", "deflate") and len(content) >= _LEAST_PACKED_BYTES:
        content = gzip.compress(content, 1) if accept == "gzip" else zlib.compress(content, 1)
        headers["Content-Encoding"] = accept
    return Response(content, headers=headers, media_type=media_type)
