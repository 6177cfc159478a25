"""What a device must not change: a photo's results."""

from __future__ import annotations

import numpy as np
import pytest

from haversack.engine.predictor import Predictor, PredictorOptions
from haversack.engine.session import SessionOptions
from haversack.engine.tasks.detect import Detections
from haversack.packfile.archive import open_pack
from haversack.samples.bundle import BUNDLED_PACKS
from haversack.samples.scenes import draw_scene

BLOBS = BUNDLED_PACKS / "blobs" / "1"


@pytest.mark.gpu
def test_a_photo_that_is_resized_has_the_cpus_results_on_a_device() -> None:
    pixels = draw_scene(3, width=900, height=700, count=8).pixels
    found = []
    for session in (SessionOptions(), SessionOptions(device="cuda")):
        predictor = Predictor(open_pack(BLOBS), PredictorOptions(session=session))
        outcome = predictor.predict_pixels(pixels).outcome
        assert isinstance(outcome, Detections)
        found.append(outcome)
    cpu, cuda = found
    assert len(cpu) > 0
    np.testing.assert_array_equal(cuda.class_ids, cpu.class_ids)
    np.testing.assert_allclose(cuda.scores, cpu.scores, atol=1e-4)
    np.testing.assert_allclose(cuda.boxes, cpu.boxes, atol=0.05)
