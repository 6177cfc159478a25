"""MLServer's runtime with the same decoder and sessions; `mlserver start` loads it by name."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from mlserver import MLModel, types

from haversack.engine.allocator import settle
from haversack.engine.predictor import Predictor
from haversack.packfile.archive import open_pack


class PackRuntime(MLModel):  # type: ignore[misc]
    """A pack: photos as base64 text, tensors as they come."""

    async def load(self) -> bool:
        settle()
        self.predictor = Predictor(open_pack(Path(self.settings.parameters.uri)))
        self.predictor.warm()
        return True

    async def predict(self, payload: types.InferenceRequest) -> types.InferenceResponse:
        tensor = payload.inputs[0]
        if self.predictor.takes_photos:
            photo = base64.b64decode(tensor.data[0])
            found = self.predictor.predict(photo).above(0.4).detections
            scores = [one.score for one in found]
        else:
            rows = np.asarray(tensor.data, np.float32).reshape(tensor.shape)
            scores = self.predictor.run({tensor.name: rows})["scores"].reshape(-1).tolist()
        output = types.ResponseOutput(
            name="scores", shape=[len(scores)], datatype="FP32", data=scores
        )
        return types.InferenceResponse(model_name=self.name, outputs=[output])
