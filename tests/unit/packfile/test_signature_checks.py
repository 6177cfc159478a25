"""What each task asks of model.onnx, and of fit.onnx."""

from __future__ import annotations

import pytest
from tests.unit.packfile.conftest import changed

from haversack.packfile.manifest import Manifest
from haversack.packfile.signature import Signature, TensorSpec
from haversack.packfile.signature_checks import check_fit, check_task


def spec(text: str) -> TensorSpec:
    """ "boxes FP32[?,2,4]" as a TensorSpec, the inverse of str()."""
    name, kind = text.split(" ")
    datatype, _, sides = kind.removesuffix("]").partition("[")
    shape = tuple(-1 if side == "?" else int(side) for side in sides.split(",") if side)
    return TensorSpec(name=name, datatype=datatype, shape=shape)


def signature(inputs: str, outputs: str) -> Signature:
    return Signature(
        inputs=tuple(map(spec, filter(None, inputs.split("; ")))),
        outputs=tuple(map(spec, filter(None, outputs.split("; ")))),
    )


PHOTOS = "pixels UINT8[?,4,6,3]; placement FP32[?,4]"
DETECT = "boxes FP32[?,2,4]; scores FP32[?,2]; classes INT64[?,2]; candidates INT64[?]"


def test_detect_of_any_batch_or_of_one_is_accepted(manifest: Manifest) -> None:
    assert check_task(manifest, signature(PHOTOS, DETECT)) == []
    one = signature(PHOTOS.replace("?", "1"), DETECT.replace("?", "1"))
    assert check_task(manifest, one) == []


def test_a_network_with_fewer_candidates_has_fewer_slots(manifest: Manifest) -> None:
    fewer = DETECT.replace(",2", ",1")
    assert check_task(manifest, signature(PHOTOS, fewer)) == []


@pytest.mark.parametrize(
    ("inputs", "outputs", "fault"),
    [
        (PHOTOS.replace("UINT8", "FP32"), DETECT, "received pixels FP32[?,4,6,3]; pixels UINT8"),
        (PHOTOS.replace("4,6", "6,4"), DETECT, "input pixels: received pixels UINT8[?,6,4,3];"),
        (PHOTOS.replace("4,6", "?,?"), DETECT, "input pixels: received pixels UINT8[?,?,?,3];"),
        (PHOTOS.replace("?,4,", "8,4,"), DETECT, "pixels UINT8[N or 1,4,6,3] is allowed"),
        (PHOTOS.replace("P32[?", "P32[1"), DETECT, "received placement FP32[1,4];"),
        ("pixels UINT8[?,4,6,3]", DETECT, "input placement: missing; placement FP32[N,4]"),
        (PHOTOS + "; extra FP32[1]", DETECT, "input extra: received extra FP32[1]; only pixels,"),
        (PHOTOS, DETECT.replace("scores", "score"), "output scores: missing;"),
        (PHOTOS, DETECT.replace(",2", ",3"), "boxes FP32[N,K<=2,4] is allowed"),
        (PHOTOS, DETECT.replace(",2", ",?"), "received boxes FP32[?,?,4];"),
        (PHOTOS, DETECT.replace("boxes FP32[?,2", "boxes FP32[?,1"), "number in all three"),
        (PHOTOS, DETECT.replace("INT64[?]", "INT64[?,1]"), "candidates INT64[N] is allowed"),
        (PHOTOS, DETECT + "; scores FP32[?,2]", "output scores: received 2 times"),
    ],
)  # fmt: skip
def test_detect_of_another_form_is_refused(
    manifest: Manifest, inputs: str, outputs: str, fault: str
) -> None:
    faults = check_task(manifest, signature(inputs, outputs))
    assert any(fault in line for line in faults), faults


def test_label_map_gives_labels_of_any_size(manifest: Manifest) -> None:
    wanted = changed(manifest, task="label-map", graph=None)
    assert check_task(wanted, signature(PHOTOS, "labels UINT8[?,?,?]")) == []
    assert check_task(wanted, signature(PHOTOS, "labels UINT8[?,4,6]")) == []
    assert check_task(wanted, signature(PHOTOS, "labels INT64[?,4,6]"))
    assert check_task(wanted, signature(PHOTOS, "labels UINT8[?,1,4,6]"))


def test_classify_gives_a_probability_for_each_label(manifest: Manifest) -> None:
    wanted = changed(manifest, task="classify", graph=None)
    assert check_task(wanted, signature(PHOTOS, "probabilities FP32[?,2]")) == []
    assert check_task(wanted, signature(PHOTOS, "probabilities FP32[?,3]"))
    assert check_task(wanted, signature(PHOTOS, "probabilities FP32[?,?]"))
    unlabelled = changed(wanted, labels=())
    assert check_task(unlabelled, signature(PHOTOS, "probabilities FP32[?,3]")) == []


def test_tensor_pack_without_input_takes_anything(manifest: Manifest) -> None:
    wanted = changed(manifest, task="tensor", graph=None, input=None)
    assert check_task(wanted, signature("a INT8[?,?]; b BYTES[1]", "c FP64[]")) == []


def test_tensor_pack_with_input_takes_photos(manifest: Manifest) -> None:
    wanted = changed(manifest, task="tensor", graph=None)
    assert check_task(wanted, signature(PHOTOS, "c FP64[]")) == []
    assert check_task(wanted, signature("a INT8[?]", "c FP64[]"))


@pytest.mark.parametrize(
    ("inputs", "outputs", "fault"),
    [
        ("image UINT8[?,?,3]", "pixels UINT8[4,6,3]; placement FP32[4]", ""),
        ("image UINT8[9,?,3]", "pixels UINT8[4,6,3]; placement FP32[4]", "input image: received"),
        ("image UINT8[?,?,3]", "pixels UINT8[?,?,3]; placement FP32[4]", "output pixels: received"),
        ("image UINT8[?,?,3]", "pixels UINT8[4,6,3]", "output placement: missing"),
    ],
)
def test_fit_gives_the_size_the_manifest_says(
    manifest: Manifest, inputs: str, outputs: str, fault: str
) -> None:
    faults = check_fit(manifest, signature(inputs, outputs))
    assert len(faults) == bool(fault)
    assert all(line.startswith(fault) for line in faults)
