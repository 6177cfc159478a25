"""Runs under the peers' own interpreter: the same model over the same photos, sliced by others.

    python survey_peers.py sahi|supervision MODEL PHOTO...

Prints seconds and CPU-seconds a photo, and the peak of this process, as JSON. The first photo is
looked at twice, and the first time does not count. Each slice is fed and read as the network's
authors do, in numpy; ONNX Runtime has its defaults.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

# As haversack.engine.ort has it: before the runtime is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime
from PIL import Image

SIDE, OVERLAP, THRESHOLD = 800, 150, 0.4


class Detector:
    """The network behind numpy: RGB uint8[h,w,3] -> (xyxy, scores, class ids)."""

    def __init__(self, path: str) -> None:
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def __call__(self, tile: Any) -> tuple[Any, Any, Any]:
        frame = np.full((SIDE, SIDE, 3), 114, np.uint8)
        frame[: tile.shape[0], : tile.shape[1]] = tile
        values = np.ascontiguousarray(frame.transpose(2, 0, 1), dtype=np.float32)[None] / 255
        rows = self.session.run(None, {"images": values})[0][0]
        class_ids = rows[4:].argmax(axis=0)
        scores = rows[4:].max(axis=0)
        keep = scores >= THRESHOLD
        middle, size = rows[:2, keep].T, rows[2:4, keep].T
        boxes = np.concatenate([middle - size / 2, middle + size / 2], axis=1)
        return boxes, scores[keep], class_ids[keep]


def sahi(detector: Detector) -> Callable[[str], int]:
    """SAHI's sliced prediction, its defaults but for the slices."""
    from sahi.models.base import DetectionModel  # type: ignore[import-not-found]  # noqa: PLC0415
    from sahi.predict import get_sliced_prediction  # type: ignore[import-not-found]  # noqa: PLC0415
    from sahi.prediction import ObjectPrediction  # type: ignore[import-not-found]  # noqa: PLC0415

    class Model(DetectionModel):  # type: ignore[misc]
        def load_model(self) -> None:
            self.category_mapping = {"0": "light", "1": "dark"}

        def set_device(self, device: Any = None) -> None:
            self.device = "cpu"

        def check_dependencies(self, packages: Any = None) -> None:
            pass

        def perform_inference(self, image: Any) -> None:
            self._original_predictions = detector(image)

        def _create_object_prediction_list_from_original_predictions(
            self, shift_amount_list: Any = None, full_shape_list: Any = None
        ) -> None:
            shift = (shift_amount_list or [[0, 0]])[0]
            shift = shift if isinstance(shift, list | tuple) else shift_amount_list
            shape = full_shape_list[0] if full_shape_list else None
            shape = shape if shape is None or isinstance(shape, list | tuple) else full_shape_list
            boxes, scores, class_ids = self._original_predictions
            found = [
                ObjectPrediction(
                    bbox=np.clip(box, 0, SIDE).tolist(),
                    category_id=int(class_id),
                    category_name=self.category_mapping[str(class_id)],
                    score=float(score),
                    shift_amount=shift,
                    full_shape=shape,
                )
                for box, score, class_id in zip(boxes, scores, class_ids, strict=True)
            ]
            self._object_prediction_list_per_image = [found]

    model = Model(model_path="none", confidence_threshold=THRESHOLD, device="cpu")
    ratio = OVERLAP / SIDE

    def look(path: str) -> int:
        result = get_sliced_prediction(
            path,
            model,
            slice_height=SIDE,
            slice_width=SIDE,
            overlap_height_ratio=ratio,
            overlap_width_ratio=ratio,
            perform_standard_pred=False,
            verbose=0,
        )
        return len(result.object_prediction_list)

    return look


def supervision(detector: Detector) -> Callable[[str], int]:
    """supervision's InferenceSlicer, one worker a CPU."""
    import supervision as sv  # type: ignore[import-not-found]  # noqa: PLC0415

    def callback(tile: Any) -> Any:
        boxes, scores, class_ids = detector(tile)
        if not len(boxes):
            return sv.Detections.empty()
        return sv.Detections(xyxy=boxes, confidence=scores, class_id=class_ids)

    slicer = sv.InferenceSlicer(
        callback=callback,
        slice_wh=(SIDE, SIDE),
        overlap_wh=(OVERLAP, OVERLAP),
        thread_workers=os.cpu_count() or 1,
    )
    return lambda path: len(slicer(np.asarray(Image.open(path).convert("RGB"))))


def main() -> None:
    """Look at every photo, and say what it took."""
    name, model, *photos = sys.argv[1:]
    look = {"sahi": sahi, "supervision": supervision}[name](Detector(model))
    look(photos[0])
    started, cpu = time.perf_counter(), time.process_time()
    found = [look(photo) for photo in photos]
    told = {
        "seconds": (time.perf_counter() - started) / len(photos),
        "cpu": (time.process_time() - cpu) / len(photos),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "found": sum(found),
    }
    print(json.dumps(told), file=sys.__stdout__)


if __name__ == "__main__":
    main()
