"""The peer of benchmarks/predict.py: the bare model, fed and read in numpy as its authors do.

Written for speed, with nothing of Haversack: what a careful person has in a script.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

# As haversack.engine.ort has it: before the runtime is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime
import simplejpeg
from numpy.typing import NDArray

try:
    import cv2
except ImportError as fault:
    raise SystemExit(
        "The peer resizes with OpenCV: uv pip install opencv-python-headless (benchmark only)."
    ) from fault

SIDE, FLOOR, IOU, CANDIDATES = 416, 0.05, 0.5, 600


class BareYolox:
    """YOLOX-Nano from JPEG bytes to boxes in the photo's pixels."""

    def __init__(self, model: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.enable_cpu_mem_arena = False
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        providers = ["CPUExecutionProvider"]
        self.session = onnxruntime.InferenceSession(str(model), options, providers=providers)
        cells, strides = [], []
        for stride in (8, 16, 32):
            count = SIDE // stride
            grid = np.stack(np.meshgrid(np.arange(count), np.arange(count)), axis=-1)
            cells.append(grid.reshape(-1, 2))
            strides.append(np.full((count * count, 1), stride))
        self.cells = np.concatenate(cells).astype(np.float32)
        self.strides = np.concatenate(strides).astype(np.float32)

    def feed(self, data: bytes) -> tuple[NDArray[np.float32], float]:
        """float32[1,3,416,416] and the scale."""
        photo = simplejpeg.decode_jpeg(data, "BGR")
        height, width = photo.shape[:2]
        scale = min(SIDE / height, SIDE / width)
        new = (int(width * scale), int(height * scale))
        frame = np.full((SIDE, SIDE, 3), 114, dtype=np.uint8)
        frame[: new[1], : new[0]] = cv2.resize(photo, new, interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(frame.transpose(2, 0, 1), dtype=np.float32)[None], scale

    def read(self, raw: NDArray[Any], scale: float) -> tuple[NDArray[Any], NDArray[Any]]:
        """Boxes and scores after NMS by class."""
        rows = raw[0]
        by_class = rows[:, 5:]
        class_ids = by_class.argmax(axis=1)
        scores = rows[:, 4] * by_class[np.arange(len(rows)), class_ids]
        keep = np.flatnonzero(scores >= FLOOR)
        keep = keep[np.argsort(-scores[keep], kind="stable")][:CANDIDATES]
        centre = (rows[keep, :2] + self.cells[keep]) * self.strides[keep]
        size = np.exp(rows[keep, 2:4]) * self.strides[keep]
        boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
        chosen = _greedy(boxes, class_ids[keep])
        return boxes[chosen] / scale, scores[keep][chosen]

    def predict(self, data: bytes) -> tuple[NDArray[Any], NDArray[Any]]:
        """All three steps."""
        values, scale = self.feed(data)
        return self.read(self.session.run(None, {"images": values})[0], scale)


def _greedy(boxes: NDArray[Any], class_ids: NDArray[Any]) -> list[int]:
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    alive = np.ones(len(boxes), dtype=np.bool_)
    chosen = []
    for i in range(len(boxes)):
        if not alive[i]:
            continue
        chosen.append(i)
        sides = np.minimum(boxes[i, 2:], boxes[:, 2:]) - np.maximum(boxes[i, :2], boxes[:, :2])
        shared = np.clip(sides, 0, None).prod(axis=1)
        close = shared > IOU * (areas[i] + areas - shared)
        alive &= ~(close & (class_ids == class_ids[i]))
    return chosen
