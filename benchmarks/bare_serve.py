"""The floor for a server: Starlette, the same decoder and the same sessions, and nothing else.

    python bare_serve.py PORT PHOTO_PACK TENSOR_PACK...

No limits, no checks, no ids, no statistics, no error answers.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from haversack.engine.allocator import settle
from haversack.engine.cpus import usable_cpus
from haversack.engine.predictor import Predictor, PredictorOptions
from haversack.engine.session import SessionOptions
from haversack.engine.tasks.detect import Detections
from haversack.packfile.archive import open_pack
from haversack.serve.options import ServeOptions


def application(photo_pack: Path, tensor_packs: list[Path]) -> Starlette:
    """POST /photo and POST /tensor/{name}."""
    served = ServeOptions()
    session = SessionOptions(threads=served.threads, spin_between_calls=False)
    options = PredictorOptions(session=session)
    photos = Predictor(open_pack(photo_pack), options)
    photos.warm()
    opened = [Predictor(open_pack(path), options) for path in tensor_packs]
    tensors = {one.identity.name: one for one in opened}
    decoding, inferring = ThreadPoolExecutor(usable_cpus()), ThreadPoolExecutor(served.turns)

    async def photo(request: Request) -> Response:
        loop = asyncio.get_running_loop()
        data = await request.body()
        fitted = await loop.run_in_executor(decoding, lambda: photos.fit(photos.decode(data)))
        (found,) = await loop.run_in_executor(inferring, photos.infer, [fitted])
        assert isinstance(found, Detections)
        boxes = found.above(0.4).objects(())
        return Response(msgspec.json.encode(boxes), media_type="application/json")

    async def tensor(request: Request) -> Response:
        predictor = tensors[request.path_params["name"]]
        asked = msgspec.json.decode(await request.body())["inputs"][0]
        values = np.asarray(asked["data"], np.float32).reshape(asked["shape"])
        outputs = predictor.run({asked["name"]: values})
        flat = {name: array.reshape(-1).tolist() for name, array in outputs.items()}
        return Response(msgspec.json.encode(flat), media_type="application/json")

    return Starlette(
        routes=[
            Route("/photo", photo, methods=["POST"]),
            Route("/tensor/{name}", tensor, methods=["POST"]),
        ]
    )


if __name__ == "__main__":
    settle()
    port, photo_pack, *tensor_packs = sys.argv[1:]
    app = application(Path(photo_pack), [Path(path) for path in tensor_packs])
    uvicorn.run(app, port=int(port), http="httptools", loop="uvloop", log_config=None)
