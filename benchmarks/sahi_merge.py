"""Runs under SAHI's own interpreter: boxes.npz -> how many objects its default merge leaves.

Its default is greedy merging by intersection over the smaller area, 0.5
(`get_sliced_prediction`: postprocess_type "GREEDYNMM", postprocess_match_metric "IOS").
"""

from __future__ import annotations

import sys
import time

import numpy as np
from sahi.postprocess.combine import GreedyNMMPostprocess  # type: ignore[import-not-found]
from sahi.prediction import ObjectPrediction  # type: ignore[import-not-found]


def main() -> None:
    """Print the count and the seconds."""
    rows = np.load(sys.argv[1])
    height, width = rows["shape"].tolist()
    predictions = [
        ObjectPrediction(
            bbox=box, score=score, category_id=0, category_name="animal", full_shape=[height, width]
        )
        for box, score in zip(rows["boxes"].tolist(), rows["scores"].tolist(), strict=True)
    ]
    merge = GreedyNMMPostprocess(match_threshold=0.5, match_metric="IOS", class_agnostic=False)
    started = time.perf_counter()
    left = merge(predictions)
    print(len(left), time.perf_counter() - started)


if __name__ == "__main__":
    main()
