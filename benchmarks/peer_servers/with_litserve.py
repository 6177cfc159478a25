"""LitServe with the same decoder and sessions:  python with_litserve.py PORT photo|tiny PACK"""

import sys
from pathlib import Path
from typing import Any

import litserve
import numpy as np
from fastapi import Request

from haversack.engine.allocator import settle
from haversack.engine.predictor import Predictor
from haversack.packfile.archive import open_pack


class Photo(litserve.LitAPI):  # type: ignore[misc]
    """One photo as the form field `content`."""

    def setup(self, device: str) -> None:
        settle()
        self.predictor = Predictor(open_pack(Path(sys.argv[3])))
        self.predictor.warm()

    def decode_request(self, request: Request) -> bytes:
        data: bytes = request["content"].file.read()
        return data

    def predict(self, photo: bytes) -> dict[str, Any]:
        return self.predictor.predict(photo).above(0.4).to_dict()

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


class Tiny(Photo):
    """One row as JSON."""

    def setup(self, device: str) -> None:
        self.predictor = Predictor(open_pack(Path(sys.argv[3])))

    def decode_request(self, request: Request) -> Any:
        tensor = request["inputs"][0]
        return np.asarray(tensor["data"], np.float32).reshape(tensor["shape"])

    def predict(self, photo: Any) -> Any:
        return self.predictor.run({"rows": photo})

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return {name: values.reshape(-1).tolist() for name, values in output.items()}


if __name__ == "__main__":
    api = Photo() if sys.argv[2] == "photo" else Tiny()
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[1]), generate_client_file=False, log_level="error")
