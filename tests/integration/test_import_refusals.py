"""What cannot be told or proved is refused, with the option that tells it, and nothing written."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from tests.unit.pack.conftest import (
    DATA,
    NO_DATA,
    NOW,
    built,
    graph_of,
    noise,
    photo,
    request,
    saved,
)

from haversack.engine.predictor import Predictor
from haversack.engine.tasks.classify import Probabilities
from haversack.engine.tasks.tensor import Tensors
from haversack.errors import EngineError, ImportRefusedError, Kind, PackError
from haversack.pack.build import PackTarget, build
from haversack.pack.importing import import_source
from haversack.packfile.archive import open_pack

CLASSIFIER = """
net (float[1,3,8,8] x) => (float[1,3] logits)
{
    means = GlobalAveragePool (x)
    logits = Flatten (means)
}"""
SEGMENTER = "net (float[1,3,8,8] x) => (float[1,3,8,8] logits) { logits = Relu (x) }"
LISTED = """
net (float[1,3,8,8] x) => (float[3,1] replaced) <int64[2] rows = {3,-1}>
{
    most = MaxPool <kernel_shape = [8, 8]> (x)
    replaced = Reshape (most, rows)
}"""
ABC = ("a", "b", "c")


@pytest.fixture
def samples(tmp_path: Path) -> tuple[Path, ...]:
    """Of the networks' own size: nothing is resized, and parity is to the last bits."""
    return tuple(photo(tmp_path, str(i), noise(i, 8, 8)) for i in range(3))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(text: str, folder: Path, opset: int = 13, **options: Any) -> ImportRefusedError:
    """The refusal; the repository stays empty."""
    source = saved(graph_of(text, opset=opset), folder)
    with pytest.raises(ImportRefusedError) as caught:
        built(request(source, **options), folder / "packs")
    assert not (folder / "packs").exists()
    return caught.value


def test_a_wrong_number_of_labels_is_refused_with_both_numbers(
    tmp_path: Path, samples: tuple[Path, ...]
) -> None:
    fault = refused(CLASSIFIER, tmp_path, head="softmax", labels=("a", "b"), samples=samples)
    assert fault.code == "outputs-unknown"
    assert "logits FP32[1,3]" in fault.message
    assert "2 labels" in fault.message
    assert "--labels" in fault.hint


@pytest.mark.skipif(not DATA.is_dir(), reason=NO_DATA)
def test_a_wrong_number_of_labels_for_a_real_detector_is_refused(tmp_path: Path) -> None:
    asked = request(
        DATA / "models" / "detect" / "yolox_nano.onnx", preset="yolox", labels=("cow", "sheep")
    )
    with pytest.raises(ImportRefusedError, match=r"1,3549,85.* 2 labels") as caught:
        import_source(asked)
    assert caught.value.code == "outputs-unknown"


def test_outputs_that_the_head_cannot_read_are_shown_with_their_shapes(
    tmp_path: Path, samples: tuple[Path, ...]
) -> None:
    fault = refused(CLASSIFIER, tmp_path, head="yolox", samples=samples)
    assert fault.code == "outputs-unknown"
    assert "logits FP32[1,3]" in fault.message
    assert "--head" in fault.hint


def test_without_a_head_the_hint_lists_those_that_fit(
    tmp_path: Path, samples: tuple[Path, ...]
) -> None:
    fault = refused(CLASSIFIER, tmp_path, samples=samples)
    assert fault.code == "head-unknown"
    assert "--head softmax" in fault.hint


@pytest.mark.parametrize("step", ["Log (low)", "Mul (zero, endless)"])
def test_outputs_that_are_no_numbers_are_refused(
    tmp_path: Path, samples: tuple[Path, ...], step: str
) -> None:
    text = CLASSIFIER.replace(
        "logits = Flatten (means)",
        f"""
    one = Constant <value_float = -1000.0> ()
    low = Add (means, one)
    zero = Sub (means, means)
    endless = Reciprocal (zero)
    bad = {step}
    logits = Flatten (bad)""",
    )
    fault = refused(text, tmp_path, head="softmax", labels=ABC, samples=samples)
    assert fault.code == "outputs-not-finite"
    assert "logits holds 3 values of 3" in fault.message
    assert "--scale" in fault.hint


def test_a_preset_of_other_channels_is_refused(tmp_path: Path, samples: tuple[Path, ...]) -> None:
    fault = refused(CLASSIFIER, tmp_path, preset="mnist", samples=samples)
    assert fault.code == "channels-unfit"
    assert "--channels" in fault.hint
    gray = CLASSIFIER.replace("1,3,8,8", "1,1,8,8").replace("[1,3]", "[1,1]")
    assert refused(gray, tmp_path, head="softmax", samples=samples).code == "channels-unfit"


def test_a_label_map_is_not_cropped(tmp_path: Path, samples: tuple[Path, ...]) -> None:
    fault = refused(SEGMENTER, tmp_path, head="argmax", geometry="crop", samples=samples)
    assert fault.code == "geometry-unfit"
    assert "letterbox" in fault.hint


def test_a_size_for_a_graph_with_another_fixed_size_is_refused(
    tmp_path: Path, samples: tuple[Path, ...]
) -> None:
    fault = refused(CLASSIFIER, tmp_path, head="softmax", size="16x16", samples=samples)
    assert fault.code == "input-size-unknown"
    assert "8x8" in fault.message
    assert refused(CLASSIFIER, tmp_path, size="16", samples=samples).code == "size-unreadable"


def test_a_task_that_the_head_does_not_make_is_refused(
    tmp_path: Path, samples: tuple[Path, ...]
) -> None:
    fault = refused(CLASSIFIER, tmp_path, head="softmax", task="detect", samples=samples)
    assert fault.code == "task-unfit"


def test_an_output_named_as_an_input_of_packs_is_refused(
    tmp_path: Path, samples: tuple[Path, ...]
) -> None:
    text = SEGMENTER.replace("logits", "pixels")
    fault = refused(text, tmp_path, head="none", samples=samples)
    assert fault.code == "output-name-taken"
    assert built_task(text, tmp_path, head="argmax", samples=samples) == "label-map"


def built_task(text: str, folder: Path, **options: Any) -> str:
    source = saved(graph_of(text), folder)
    return built(request(source, **options), folder / "packs").manifest.task


@pytest.mark.parametrize("number", [0.5, np.nan])
def test_a_pack_that_differs_from_its_model_is_not_written(
    tmp_path: Path, samples: tuple[Path, ...], number: float
) -> None:
    source = saved(graph_of(CLASSIFIER), tmp_path)
    draft = import_source(request(source, head="softmax", labels=ABC, samples=samples))
    repository = tmp_path / "packs"
    build(draft, PackTarget(out=repository), now=NOW)
    before = contents(repository)
    wrong = io.BytesIO()
    np.savez(wrong, probabilities=np.full(3, number, np.float32))
    files = draft.files | {"samples/002.expected.npz": wrong.getvalue()}
    doctored = dataclasses.replace(draft, files=files)
    for target in (PackTarget(out=repository), PackTarget(out=tmp_path / "one.pack")):
        with pytest.raises(ImportRefusedError, match="differ by") as caught:
            build(doctored, target, now=NOW)
        assert caught.value.code == "parity-failed"
        assert [line.split(":")[0] for line in caught.value.details] == [
            "sample 001",
            "sample 002",
            "sample 003",
        ]
        assert "Nothing was written" in caught.value.hint
    assert contents(repository) == before
    assert not (tmp_path / "one.pack").exists()


def test_a_graph_that_differs_on_the_same_pixels_is_not_written_however_little(
    tmp_path: Path, samples: tuple[Path, ...]
) -> None:
    """0.01 would pass between two resizes; between two readings of the same pixels it does not."""
    source = saved(graph_of(CLASSIFIER), tmp_path)
    draft = import_source(request(source, head="softmax", labels=ABC, samples=samples))
    exact = draft.same_pixels["002"]["probabilities"]
    doctored = dataclasses.replace(
        draft, same_pixels=draft.same_pixels | {"002": {"probabilities": exact + np.float32(0.01)}}
    )
    with pytest.raises(ImportRefusedError, match="on the same pixels of sample 002") as caught:
        build(doctored, PackTarget(out=tmp_path / "packs"), now=NOW)
    assert caught.value.code == "parity-failed"
    assert not (tmp_path / "packs").exists()


def test_a_second_import_is_version_2_and_a_taken_version_conflicts(
    tmp_path: Path, samples: tuple[Path, ...]
) -> None:
    source = saved(graph_of(CLASSIFIER), tmp_path)
    asked = request(source, head="softmax", labels=ABC, samples=samples)
    draft, repository = import_source(asked), tmp_path / "packs"
    versions = [build(draft, PackTarget(out=repository), now=NOW) for _ in range(2)]
    assert [made.manifest.version for made in versions] == ["1", "2"]
    assert [open_pack(made.path).manifest.version for made in versions] == ["1", "2"]
    before = contents(repository)
    with pytest.raises(PackError, match="next free version is 3") as caught:
        build(draft, PackTarget(out=repository, version="2"), now=NOW)
    assert caught.value.code == "pack-version-exists"
    assert caught.value.kind is Kind.CONFLICT
    assert contents(repository) == before
    seventh = build(draft, PackTarget(out=repository, version="7"), now=NOW)
    assert seventh.path == repository / "tested" / "7"


def test_a_pack_file_holds_what_the_folder_holds(tmp_path: Path, samples: tuple[Path, ...]) -> None:
    source = saved(graph_of(CLASSIFIER), tmp_path)
    draft = import_source(request(source, head="softmax", labels=ABC, samples=samples))
    made = build(draft, PackTarget(out=tmp_path / "one.pack"), now=NOW)
    assert made.path == tmp_path / "one.pack"
    outcome = Predictor(open_pack(made.path)).predict_pixels(noise(9, 30, 20)).outcome
    assert isinstance(outcome, Probabilities)
    assert outcome.values.shape == (3,)


def test_names_of_the_networks_own_never_clash_with_ours(
    tmp_path: Path, samples: tuple[Path, ...]
) -> None:
    """Every name at a pack's edges and inside our graphs, used by a network for its own."""
    text = """
net (float[1,3,8,8] pixels) => (float[1,4,4] boxes, float[1,4] scores, int64[1,4] classes)
<int64[2] rows = {1,-1}, int64[1] start = {0}, int64[1] end = {4}, int64[1] axis = {1},
 float[1,4,4] placement = {0,0,2,2, 4,0,6,2, 0,4,2,6, 4,4,7,7}, int64[1,4] candidates = {0,1,0,1}>
{
    placed = Reshape (pixels, rows)
    network = Slice (placed, start, end, axis)
    boxes = Identity (placement)
    scores = Identity (network)
    classes = Identity (candidates)
}"""
    source = saved(graph_of(text), tmp_path)
    asked = request(source, head="boxes", labels=("a", "b"), scale=1 / 255, samples=samples)
    made = built(asked, tmp_path / "packs")
    assert [spec.name for spec in made.manifest.signature.inputs] == ["pixels", "placement"]
    found = Predictor(open_pack(made.path)).predict_pixels(np.full((16, 16, 3), 204, np.uint8))
    assert {one.box for one in found.detections} == {
        (0.0, 0.0, 4.0, 4.0),
        (8.0, 0.0, 12.0, 4.0),
        (0.0, 8.0, 4.0, 12.0),
        (8.0, 8.0, 14.0, 14.0),
    }
    assert [one.score for one in found.detections] == pytest.approx([0.8] * 4, abs=1e-5)


def test_a_branch_that_alone_reads_an_initializer_keeps_it(
    tmp_path: Path, samples: tuple[Path, ...]
) -> None:
    text = """
net (float[1,3,8,8] x) => (float[1,3] logits) <float[1] w = {2}>
{
    means = GlobalAveragePool (x)
    flat = Flatten (means)
    one = Constant <value_int = 1> ()
    yes = Cast <to = 9> (one)
    logits = If (yes) <
        then_branch = then () => (float[1,3] twice) { twice = Mul (flat, w) },
        else_branch = other () => (float[1,3] same) { same = Identity (flat) }>
}"""
    assert built_task(text, tmp_path, head="softmax", scale=1 / 255, samples=samples) == "classify"


# Task tensor


@pytest.mark.parametrize("opset", [7, 12, 13, 18])
@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("net (float[1,3,8,8] x) => (float[1,3,8,8] y) { y = Relu (x) }", (3, 8, 8)),
        ("net (float[3,8,8] x) => (float[3,8,8] y) { y = Relu (x) }", (3, 8, 8)),
        ("net (float[8,8,3] x) => (float[8,8,3] placed) { placed = Relu (x) }", (8, 8, 3)),
        (LISTED, (3, 1)),
    ],
    ids=["a batch", "no batch", "named placed", "a list"],
)
def test_outputs_kept_as_they_are_come_whole(
    tmp_path: Path, samples: tuple[Path, ...], text: str, shape: tuple[int, ...], opset: int
) -> None:
    source = saved(graph_of(text, opset=opset), tmp_path)
    made = built(request(source, head="none", samples=samples), tmp_path / "packs")
    assert made.manifest.task == "tensor"
    outcome = Predictor(open_pack(made.path)).predict_pixels(noise(5, 8, 8)).outcome
    assert isinstance(outcome, Tensors)
    assert [array.shape for array in outcome.values.values()] == [shape]


def test_a_graph_without_photos_is_kept_verified_and_run(tmp_path: Path) -> None:
    text = """
net (float[N,4] rows, int64[N,1] kind) => (float[N,4] total, int64[N,1] after)
<int64 one = {1}>
{
    added = Cast <to = 1> (kind)
    total = Add (rows, added)
    after = Add (kind, one)
}"""
    source = saved(graph_of(text), tmp_path)
    made = built(request(source, geometry="none"), tmp_path / "packs")
    assert made.manifest.task == "tensor"
    assert made.manifest.input is None
    assert [check.worst for check in made.checks] == [0, 0, 0]
    predictor = Predictor(open_pack(made.path))
    rows = np.arange(8, dtype=np.float32).reshape(2, 4)
    outputs = predictor.run({"rows": rows, "kind": np.array([[1], [2]])})
    np.testing.assert_array_equal(outputs["total"], rows + np.array([[1], [2]]))
    np.testing.assert_array_equal(outputs["after"], [[2], [3]])
    with pytest.raises(EngineError) as caught:
        predictor.predict_pixels(noise(1, 8, 8))
    assert caught.value.code == "pack-takes-tensors"


def test_a_graph_without_photos_takes_no_head_and_no_other_task(tmp_path: Path) -> None:
    text = "net (float[N,4] x) => (float[N,4] y) { y = Relu (x) }"
    fault = refused(text, tmp_path, geometry="none", head="softmax")
    assert fault.code == "head-needs-pictures"
    assert refused(text, tmp_path, geometry="none", task="detect").code == "task-unfit"
    assert built_task(text, tmp_path, geometry="none", head="none") == "tensor"


def test_tensors_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    text = "net (float[1,4] x) => (float[1,4] y) { z = Sub (x, x)\n y = Log (z) }"
    assert refused(text, tmp_path, geometry="none").code == "outputs-not-finite"


@pytest.mark.parametrize("opset", [9, 10])
def test_a_small_label_map_of_an_old_opset_is_enlarged_by_a_newer_one(
    tmp_path: Path, opset: int
) -> None:
    halves = np.zeros((8, 8, 3), np.uint8)
    halves[:, :4, 1], halves[:, 4:, 2] = 200, 250
    text = """
net (float[1,3,8,8] x) => (float[1,3,4,4] logits)
{ logits = AveragePool <kernel_shape = [2, 2], strides = [2, 2]> (x) }"""
    source = saved(graph_of(text, opset=opset), tmp_path)
    asked = request(source, head="argmax", labels=ABC, samples=(photo(tmp_path, "halves", halves),))
    made = built(asked, tmp_path / "packs")
    model = onnx.load(made.path / "model.onnx")
    assert [o.version for o in model.opset_import] == [11]
