"""A graph in ONNX Runtime itself, without Haversack: what benchmarks/gpu.py holds ours against."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import simplejpeg
from numpy.typing import NDArray
from onnxruntime.transformers.float16 import convert_float_to_float16

from haversack.engine.tiles import TileGrid, cut

Feed = dict[str, NDArray[Any]]
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
FATAL_ONLY = 4
_NETWORK = "network/"


# A figure: what was measured, and its values by name.
Tell = Callable[..., None]


def attempt(tell: Tell, name: str, measure: Callable[[], dict[str, Any]]) -> None:
    """Tell what `measure` gives, or why it gives nothing: one fault must not end a step."""
    try:
        values = measure()
    except Exception as fault:  # onnxruntime raises a dozen classes without a common root
        values = {"error": f"{type(fault).__name__}: {str(fault).strip()[:300]}"}
    tell(name, **values)


def open_bare(
    graph: Path | bytes,
    device: str,
    options: dict[str, str] | None = None,
    entries: dict[str, str] | None = None,
) -> onnxruntime.InferenceSession:
    """A session on that device, with options of its provider and entries of the session."""
    if device == "cuda":
        onnxruntime.preload_dlls()
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = FATAL_ONLY
    for name, value in (entries or {}).items():
        settings.add_session_config_entry(name, value)
    provider = (PROVIDERS[device], options or {})
    source = graph if isinstance(graph, bytes) else str(graph)
    session = onnxruntime.InferenceSession(source, settings, providers=[provider])
    if session.get_providers()[0] != PROVIDERS[device]:
        raise RuntimeError(f"{device} was asked for; it runs on {session.get_providers()}")
    return session


def views(photo: Path, side: int, overlap: int) -> list[NDArray[np.uint8]]:
    """Every tile of a JPEG, as views of its pixels."""
    pixels = simplejpeg.decode_jpeg(photo.read_bytes(), "RGB")
    height, width = pixels.shape[:2]
    grid = TileGrid(width=width, height=height, tile=side, overlap=overlap)
    return [cut(pixels, tile) for tile in grid]


def feed(tiles: Sequence[NDArray[np.uint8]], count: int) -> Feed:
    """What model.onnx takes: that many of the tiles, round and round."""
    placement = np.array([[1, 1, 0, 0]], np.float32).repeat(count, 0)
    return {
        "pixels": np.stack([tiles[i % len(tiles)] for i in range(count)]),
        "placement": placement,
    }


def half(graph: Path) -> bytes:
    """model.onnx with the network in float16, and what surrounds it as it is.

    The pack's own nodes stay: float16 has no whole numbers above 2,048, and boxes are in pixels.
    """
    model = onnx.load(graph)
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"node{number}"
    ours = [
        node.name
        for node in model.graph.node
        if not any(name.startswith(_NETWORK) for name in node.output)
    ]
    smaller = convert_float_to_float16(model, keep_io_types=True, node_block_list=ours)
    # The converter casts a value once for each of its readers, under one name.
    made: dict[str, onnx.NodeProto] = {}
    for number, node in enumerate(smaller.graph.node):
        node.name = f"node{number}"
        made.setdefault(node.output[0], node)
    nodes = list(made.values())
    del smaller.graph.node[:]
    smaller.graph.node.extend(nodes)
    return bytes(smaller.SerializeToString())


def cutter(size: tuple[int, int], tiles: Sequence[tuple[int, int]], side: int) -> bytes:
    """A graph that cuts tiles out of one photo: uint8[H,W,3] -> pixels uint8[N,side,side,3].

    Args:
        size: width and height of the photo.
        tiles: left and top of each.
        side: of a tile.
    """
    helper = onnx.helper
    kind = onnx.TensorProto.UINT8
    width, height = size
    arrays = {"axes": np.array([0, 1], np.int64), "first": np.array([0], np.int64)}
    nodes = []
    for i, (x, y) in enumerate(tiles):
        arrays[f"from{i}"] = np.array([y, x], np.int64)
        arrays[f"to{i}"] = np.array([y + side, x + side], np.int64)
        nodes.append(
            helper.make_node("Slice", ["photo", f"from{i}", f"to{i}", "axes"], [f"tile{i}"])
        )
        nodes.append(helper.make_node("Unsqueeze", [f"tile{i}", "first"], [f"row{i}"]))
    rows = [f"row{i}" for i in range(len(tiles))]
    nodes.append(helper.make_node("Concat", rows, ["pixels"], axis=0))
    graph = helper.make_graph(
        nodes,
        "cut",
        [helper.make_tensor_value_info("photo", kind, [height, width, 3])],
        [helper.make_tensor_value_info("pixels", kind, [len(tiles), side, side, 3])],
        [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def seconds_a_call(call: Callable[[], object], at_least_seconds: float) -> float:
    """The median of calls during that time, two at least; the first, which warms, not counted."""
    call()
    took: list[float] = []
    end = time.perf_counter() + at_least_seconds
    while len(took) < 2 or time.perf_counter() < end:
        started = time.perf_counter()
        call()
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def rate_together(calls: Sequence[Callable[[], object]], for_seconds: float) -> float:
    """Calls a second of all, each made again and again by a thread of its own."""
    done = [0] * len(calls)
    end = time.perf_counter() + for_seconds

    def work(number: int) -> None:
        while done[number] == 0 or time.perf_counter() < end:
            calls[number]()
            done[number] += 1

    for call in calls:
        call()
    started = time.perf_counter()
    end = started + for_seconds
    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - started)
