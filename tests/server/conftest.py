"""A server for everyday tests, and one with real models."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.quick_blobs import QUICK_BLOBS
from tests.server.running import Server, imported, serving

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PLAIN = ("--head", "none", "--geometry", "none")


@pytest.fixture(scope="session")
def tensor_packs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two packs that take tensors: `tiny` FP32[?,4] and `planes` FP32[?,3,224,224]."""
    folder = tmp_path_factory.mktemp("tensor-packs")
    models = runpy.run_path(str(BENCHMARKS / "tensor_packs.py"))["write_models"](folder)
    return {name: imported(folder, path, name, *PLAIN) for name, path in models.items()}


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, tensor_packs: dict[str, Path]
) -> Iterator[Server]:
    """blobs, tiny and planes; whoever unloads or loads packs starts one of their own."""
    with serving(tmp_path_factory.mktemp("server"), QUICK_BLOBS, *tensor_packs.values()) as running:
        yield running


@pytest.fixture(scope="session")
def real_packs(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> dict[str, Path]:
    """Real models: `yolox-nano` finds objects, `deeplab` makes label maps."""
    folder, models = tmp_path_factory.mktemp("real-packs"), shared_data / "models"
    names = models / "detect" / "coco80.names"
    yolox = ("--preset", "yolox", "--labels", names)
    deeplab = models / "segment" / "deeplab_v3_1_default_1.onnx"
    return {
        "yolox-nano": imported(folder, models / "detect" / "yolox_nano.onnx", "yolox-nano", *yolox),
        "deeplab": imported(folder, deeplab, "deeplab", "--preset", "deeplab"),
    }


@pytest.fixture(scope="session")
def real_server(
    tmp_path_factory: pytest.TempPathFactory, real_packs: dict[str, Path]
) -> Iterator[Server]:
    """yolox-nano and deeplab."""
    with serving(tmp_path_factory.mktemp("real-server"), *real_packs.values()) as running:
        yield running


@pytest.fixture(scope="session")
def dog(shared_data: Path) -> bytes:
    """A JPEG of 768 x 576 with a dog, a bicycle and a truck or car."""
    return (shared_data / "images" / "everyday" / "darknet_dog.jpg").read_bytes()
