"""BentoML with the same decoder and sessions:  PACK=... bentoml serve with_bentoml:Photo"""

import os
from pathlib import Path
from typing import Any

import bentoml

from haversack.engine.allocator import settle
from haversack.engine.predictor import Predictor
from haversack.packfile.archive import open_pack


@bentoml.service(workers=1, traffic={"timeout": 60, "max_concurrency": 256})
class Photo:
    """One photo as the form field `photo`."""

    def __init__(self) -> None:
        settle()
        self.predictor = Predictor(open_pack(Path(os.environ["PACK"])))
        self.predictor.warm()

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, photo: Path) -> dict[str, Any]:
        """What is in the photo."""
        return self.predictor.predict(photo.read_bytes()).above(0.4).to_dict()
