"""[N, A, 6] reads in two ways where there are one or two labels: somebody has to say which."""

from __future__ import annotations

import pytest

from haversack.errors import ImportRefusedError
from haversack.pack.box_outputs import recognise
from haversack.pack.decoding import Decoding, Reading
from haversack.pack.graph.heads import boxes
from haversack.packfile.signature import TensorSpec


def decoding(labels: int, own_nms: bool | None) -> Decoding:
    output = TensorSpec(name="y", datatype="FP32", shape=(1, 300, 6))
    reading = Reading(own_nms=own_nms)
    return Decoding(
        outputs=(output,), width=64, height=64, labels=labels, opset=11, reading=reading
    )


@pytest.mark.parametrize("labels", [1, 2])
def test_two_readings_are_refused_with_the_option_that_decides(labels: int) -> None:
    with pytest.raises(ImportRefusedError) as caught:
        boxes.build(decoding(labels, None))
    assert "--own-nms" in caught.value.hint


@pytest.mark.parametrize("labels", [1, 2])
def test_the_option_decides(labels: int) -> None:
    suppressed, dense = recognise(decoding(labels, True)), recognise(decoding(labels, False))
    assert suppressed is not None
    assert suppressed.final
    assert boxes.build(decoding(labels, True)).own_nms
    assert dense is not None
    assert not dense.final
    assert dense.objectness == (labels == 1)
    assert not boxes.build(decoding(labels, False)).own_nms


def test_with_other_counts_of_labels_only_one_reading_fits() -> None:
    found = recognise(decoding(80, None))
    assert found is not None
    assert found.final
