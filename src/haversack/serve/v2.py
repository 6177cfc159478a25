"""V2 inference and model metadata over HTTP.

Source: KServe Open Inference Protocol, REST, 2025-05.
"""

from __future__ import annotations

import gzip
import zlib
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from haversack.asgi.access import Scope
from haversack.asgi.bodies import Body
from haversack.asgi.errors import json_response
from haversack.engine.outputs import to_arrays
from haversack.engine.results import ImageResult
from haversack.engine.session import Array
from haversack.packfile.signature import Signature, TensorSpec
from haversack.serve.context import Context, target_of
from haversack.serve.dataplane import Target
from haversack.serve.model import ServedModel
from haversack.serve.pictures import PictureBytes
from haversack.serve.v2_messages import (
    InferAnswer,
    InferRequest,
    header_length,
    invalid,
    parse,
    render,
)
from haversack.version import __version__

EXTENSIONS = (
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository",
    "statistics",
)
"""Those that are implemented, by Triton's names."""

_HEADER = "Inference-Header-Content-Length"
_PLATFORM = "onnx_onnxv1"
_LEAST_PACKED_BYTES = 1024


class V2Routes:
    """The endpoints of V2 inference."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def server(self, request: Request) -> Response:
        """GET /v2."""
        return json_response(
            {"name": "haversack", "version": __version__, "extensions": list(EXTENSIONS)}
        )

    async def model(self, request: Request) -> Response:
        """GET /v2/models/{name}: what it takes and gives."""
        self._context.allow(request, Scope.INFER)
        with self._use(request) as model:
            signature = model.signature
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
        """POST /v2/models/{name}/infer."""
        async with self._context.body(request) as body:
            async with self._context.plane.present(target_of(request)) as model:
                signature, pictures = model.signature, model.predictor.takes_pictures
            del model  # a swap waits until nobody holds it
            async with self._parsed(request, body, signature) as asked:
                target = target_of(request, asked.timeout_seconds)
                if pictures:
                    answer = await self._picture(target, asked)
                else:
                    arrays, pack = await self._context.plane.infer(target, asked.inputs)
                    answer = render(asked, arrays, pack)
        return _response(answer, request.headers.get("accept-encoding", ""))

    def _parsed(
        self, request: Request, body: Body, signature: Signature
    ) -> AbstractAsyncContextManager[InferRequest]:
        json_bytes = header_length(request.headers.get(_HEADER, ""), body.size_bytes)
        if not body.size_bytes:
            raise invalid("the request has no body")
        view = memoryview(body.view())
        work = partial(parse, view, json_bytes, signature)
        size = body.size_bytes if json_bytes is None else json_bytes
        return self._context.plane.parsed(work, size)

    async def _picture(self, target: Target, asked: InferRequest) -> InferAnswer:
        """One picture, under whatever name it came."""
        if len(asked.inputs) != 1:
            raise invalid(f"the model takes one input, image; received {len(asked.inputs)}")
        ((name, array),) = asked.inputs.items()

        def answer(result: ImageResult, model: ServedModel) -> InferAnswer:
            assert result.outcome is not None
            arrays = to_arrays(result.outcome, model.manifest.signature)
            return render(asked, arrays, model.identity)

        if array.dtype.kind == "O" and array.size == 1:
            return await self._context.plane.see(target, PictureBytes(array.reshape(-1)[0]), answer)
        return await self._context.plane.see_pixels(target, _pixels(name, array), answer)

    def _use(self, request: Request) -> AbstractContextManager[ServedModel]:
        params = request.path_params
        return self._context.plane.catalogue.use(params["name"], params.get("version"))


def _pixels(name: str, array: Array) -> Array:
    pixels = array[0] if array.ndim == 4 and len(array) == 1 else array
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise invalid(
            f"input {name[:64]!r} is {array.dtype}{list(array.shape)}; a picture is BYTES [1], an "
            "encoded JPEG or PNG, or UINT8 [height, width, 3]"
        )
    return pixels


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
        "input": [tensor(spec) for spec in model.signature.inputs],
        "output": [tensor(spec) for spec in model.signature.outputs],
        "instance_group": [
            {"name": model.identity.name, "kind": "KIND_CPU", "count": 1, "gpus": []}
        ],
        "default_model_filename": "model.onnx",
    }


def _response(answer: InferAnswer, accept: str) -> Response:
    """Packed only where the caller asks for one encoding and no other.

    A browser or a library names all it knows, and would wait longer for the packing than for the
    bytes; Triton's client names one, when its user wants it.
    """
    headers, content = {}, answer.content
    if answer.json_bytes is None:
        media_type = "application/json"
    else:
        media_type = "application/octet-stream"
        headers[_HEADER] = str(answer.json_bytes)
    if accept in ("gzip", "deflate") and len(content) >= _LEAST_PACKED_BYTES:
        content = gzip.compress(content, 1) if accept == "gzip" else zlib.compress(content, 1)
        headers["Content-Encoding"] = accept
    return Response(content, headers=headers, media_type=media_type)
