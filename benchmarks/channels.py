"""Two ways to put BGR in order at the front of a network, each graph alone.

.venv/bin/python benchmarks/channels.py
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from haversack.engine.ort import open_session
from haversack.engine.session import SessionOptions
from haversack.pack.graph.text import parse

SIDE, CALLS = 416, 100
WAYS = {
    "Gather over the last axis, cast, transpose": """
        ordered = Gather <axis = 3> (pixels, order)
        floats = Cast <to = 1> (ordered)
        network = Transpose <perm = [0, 3, 1, 2]> (floats)""",
    "transpose, Gather over the planes, cast": """
        planes = Transpose <perm = [0, 3, 1, 2]> (pixels)
        ordered = Gather <axis = 1> (planes, order)
        network = Cast <to = 1> (ordered)""",
}


def main() -> None:
    """Print the median milliseconds of each way."""
    pixels = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), dtype=np.uint8)
    for name, steps in WAYS.items():
        text = f"way (uint8[1,{SIDE},{SIDE},3] pixels) => (float[1,3,{SIDE},{SIDE}] network)"
        model = parse(f"{text} {{ {steps} }}", opset=11, arrays={"order": np.array([2, 1, 0])})
        session = open_session(model.SerializeToString(), SessionOptions())
        seconds = []
        for _ in range(CALLS):
            started = time.perf_counter()
            session.run({"pixels": pixels})
            seconds.append(time.perf_counter() - started)
        print(f"{name:45} {statistics.median(seconds) * 1e3:6.2f} ms")


if __name__ == "__main__":
    main()
