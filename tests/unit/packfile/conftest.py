"""A tiny valid pack of each task, authored in ONNX's text form, and ways to break it."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

import msgspec
import onnx
import onnx.parser
import pytest

from haversack.packfile.graphscan import scan
from haversack.packfile.manifest import (
    InputGeometry,
    Manifest,
    Provenance,
    Suppression,
    Task,
    encode,
)

MODEL_TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
model (uint8[N,4,6,3] pixels, float[N,4] placement) => (
    float[N,2,4] boxes, float[N,2] scores, int64[N,2] classes, int64[N] candidates)
<int64[1] two = {2}, int64[1] one = {1}, int64[1] last = {-1}>
{
    part = Unsqueeze(placement, one)
    boxes = Concat<axis = 1>(part, part)
    scores = ReduceMax<keepdims = 0>(boxes, last)
    classes = Cast<to = 7>(scores)
    candidates = ReduceMax<keepdims = 0>(classes, last)
}
"""
FIT_TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
fit (uint8[H,W,3] image) => (uint8[4,6,3] pixels, float[4] placement)
<float[4] placed = {1.0, 1.0, 0.0, 0.0}, int64[4] sizes = {1, 4, 6, 3}, int64[1] zero = {0}>
{
    batch = Unsqueeze(image, zero)
    sized = Resize<mode = "nearest">(batch, , , sizes)
    pixels = Squeeze(sized, zero)
    placement = Identity(placed)
}
"""


def model_bytes(text: str) -> bytes:
    return bytes(onnx.parser.parse_model(text).SerializeToString())


MODEL, FIT = model_bytes(MODEL_TEXT), model_bytes(FIT_TEXT)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_manifest(
    files: dict[str, bytes],
    *,
    name: str = "tiny",
    version: str = "1",
    task: Task = "detect",
    model: bytes | None = None,
) -> Manifest:
    """A manifest true of `files`; the signature is that of `model`, or of model.onnx."""
    return Manifest(
        format=1,
        name=name,
        version=version,
        task=task,
        labels=("cow", "sheep"),
        input=InputGeometry(width=6, height=4, geometry="stretch"),
        signature=scan(model or files["model.onnx"]).signature,
        graph=Suppression(max_detections=2) if task == "detect" else None,
        provenance=Provenance(
            source="tiny.onnx",
            sha256=sha256(b"tiny"),
            importer="onnx",
            created=datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC),
        ),
        files={name: sha256(data) for name, data in files.items()},
    )


def write_pack(folder: Path, manifest: Manifest, files: dict[str, bytes]) -> Path:
    for name, data in {"pack.toml": encode(manifest), **files}.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def tiny_files() -> dict[str, bytes]:
    return {"model.onnx": MODEL, "fit.onnx": FIT, "samples/first.bin": b"sample"}


def write_tiny(folder: Path, version: str = "1") -> None:
    """A whole valid pack named tiny, as a publisher would write it."""
    write_pack(folder, make_manifest(tiny_files(), version=version), tiny_files())


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A valid detect pack in a folder of its own."""
    write_tiny(tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture
def manifest() -> Manifest:
    return make_manifest(tiny_files())


def changed(manifest: Manifest, **fields: object) -> Manifest:
    return msgspec.structs.replace(manifest, **fields)


def snapshot(folder: Path) -> dict[str, bytes]:
    """Everything under `folder`, to show that nothing was written."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"<folder>"
        for path in sorted(folder.rglob("*"))
    }
