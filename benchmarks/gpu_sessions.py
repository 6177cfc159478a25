"""Steps of benchmarks/gpu.py on sessions of ONNX Runtime: placement, batches, options, binding."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gpu_cuda
import numpy as np
import onnx
import onnxruntime
from gpu_bare import (
    FATAL_ONLY,
    PROVIDERS,
    Feed,
    Tell,
    attempt,
    cutter,
    feed,
    half,
    open_bare,
    rate_together,
    seconds_a_call,
    views,
)
from gpu_compare import Difference, Rows
from gpu_material import Bench
from numpy.typing import NDArray

from haversack.engine.ort import open_session
from haversack.engine.session import SessionOptions
from haversack.engine.tiles import TileGrid
from haversack.packfile.archive import open_pack

_FLOOR = 0.05
_HEURISTIC = {"cudnn_conv_algo_search": "HEURISTIC"}
_OPTIONS: dict[str, dict[str, str]] = {
    "as they come": {},
    "without tf32": {"use_tf32": "0"},
    "heuristic": _HEURISTIC,
    "heuristic, without tf32": _HEURISTIC | {"use_tf32": "0"},
    "default search": {"cudnn_conv_algo_search": "DEFAULT"},
    "heuristic, arena as asked": _HEURISTIC | {"arena_extend_strategy": "kSameAsRequested"},
    "heuristic, nhwc": _HEURISTIC | {"prefer_nhwc": "1"},
}


def providers(bench: Bench, tell: Tell) -> None:
    """What this runtime offers, whether the device's libraries are found, and each node's place."""
    offers = [str(name).removesuffix("ExecutionProvider") for name in _available()]
    tell("runtime", version=onnxruntime.__version__, offers=offers)
    graph = bench.drawn / "model.onnx"
    attempt(tell, "before any library is loaded for it", lambda: _unloaded(bench, graph))
    attempt(tell, "opened by Haversack, and one call", lambda: _opened(bench, graph))
    for name, pack in bench.packs.items():
        for part in ("fit.onnx", "model.onnx"):
            attempt(tell, f"nodes of {name} {part}", partial(_placement, bench, pack / part))
            attempt(tell, f"copies in {name} {part}", partial(_copies, bench, pack / part))
            if bench.device != "cpu":
                alone = partial(_without_fallback, bench, pack / part)
                attempt(tell, f"no CPU in {name} {part}", alone)


def _available() -> list[Any]:
    return list(onnxruntime.get_available_providers())


def _unloaded(bench: Bench, graph: Path) -> dict[str, Any]:
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = FATAL_ONLY
    session = onnxruntime.InferenceSession(
        str(graph), settings, providers=[PROVIDERS[bench.device]]
    )
    return {"runs_on": session.get_providers()}


def _opened(bench: Bench, graph: Path) -> dict[str, Any]:
    started = time.perf_counter()
    options = SessionOptions(device="cuda" if bench.device == "cuda" else "cpu")
    open_session(graph, options).run(feed(_tiles(bench), 1))
    return {"seconds": _round(time.perf_counter() - started)}


def _placement(bench: Bench, graph: Path) -> dict[str, Any]:
    """Nodes by provider, and the kinds of those that are not on the device."""
    entries = {"session.record_ep_graph_assignment_info": "1"}
    session = open_bare(graph, bench.device, entries=entries)
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return {"skipped": "this runtime does not tell where nodes are"}
    nodes: Counter[str] = Counter()
    elsewhere: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        for node in part.get_nodes():
            nodes[part.ep_name.removesuffix("ExecutionProvider")] += 1
            if part.ep_name != PROVIDERS[bench.device]:
                elsewhere[node.op_type] += 1
    return {**nodes, "elsewhere": dict(elsewhere)}


def _copies(bench: Bench, graph: Path) -> dict[str, Any]:
    """Copies between host and device that the runtime put between nodes."""
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = FATAL_ONLY
    settings.optimized_model_filepath = str(bench.folder / "optimized.onnx")
    onnxruntime.InferenceSession(str(graph), settings, providers=[PROVIDERS[bench.device]])
    nodes = onnx.load(bench.folder / "optimized.onnx").graph.node
    return dict(Counter(node.op_type for node in nodes if node.op_type.startswith("Memcpy")))


def _without_fallback(bench: Bench, graph: Path) -> dict[str, Any]:
    open_bare(graph, bench.device, entries={"session.disable_cpu_ep_fallback": "1"})
    return {"opens": True}


def sessions(bench: Bench, tell: Tell) -> None:
    """The bare graph by precision and batch, beside the CPU's rows."""
    for name, pack in {"seeing": bench.seeing, **bench.packs}.items():
        tiles = _tiles(bench, pack)
        few = feed(tiles, 8)
        expected = _rows(open_bare(pack / "model.onnx", "cpu").run(None, few))
        for precision, source, chosen in _precisions(bench, pack / "model.onnx"):
            opened: list[Any] = []
            label = f"{name} {precision}"
            attempt(
                tell,
                f"{label} beside the CPU",
                partial(_beside, bench, (source, chosen), few, (expected, opened)),
            )
            # `seeing` is as quick as `bench`.
            for batch in bench.scale.batches if opened and name != "seeing" else ():
                told = partial(_batch, bench, opened[0], tiles, batch)
                attempt(tell, f"{label}, batch {batch}", told)


_Precision = tuple[Callable[[], Path | bytes], dict[str, str]]


def _precisions(
    bench: Bench, graph: Path
) -> list[tuple[str, Callable[[], Path | bytes], dict[str, str]]]:
    def whole() -> Path | bytes:
        return graph

    if bench.device == "cpu":
        return [("fp32", whole, {})]
    return [
        ("fp32", whole, {"use_tf32": "0"}),
        ("tf32", whole, {"use_tf32": "1"}),
        ("fp16", partial(half, graph), {}),
    ]


def _beside(
    bench: Bench, precision: _Precision, few: Feed, beside: tuple[list[Rows], list[Any]]
) -> dict[str, Any]:
    """The difference to the rows expected; the session is added to the list beside them."""
    source, chosen = precision
    expected, opened = beside
    session = open_bare(source(), bench.device, chosen)
    told = Difference()
    for one, two in zip(expected, _rows(session.run(None, few)), strict=True):
        told.add(one.above(_FLOOR), two.above(_FLOOR))
    opened.append(session)
    return told.told()


def _rows(outputs: list[NDArray[Any]]) -> list[Rows]:
    boxes, scores, class_ids, _ = outputs
    return [
        Rows(boxes=boxes[i], scores=scores[i], class_ids=class_ids[i]) for i in range(len(boxes))
    ]


def _batch(bench: Bench, session: Any, tiles: Any, batch: int) -> dict[str, Any]:
    inputs = feed(tiles, batch)
    first = _once(session, inputs)
    call = seconds_a_call(lambda: session.run(None, inputs), bench.scale.seconds)
    return {"tiles_per_second": round(batch / call, 1), "ms": _ms(call), "first_s": _round(first)}


def _once(session: Any, inputs: Feed) -> float:
    started = time.perf_counter()
    session.run(None, inputs)
    return time.perf_counter() - started


def options(bench: Bench, tell: Tell) -> None:
    """Options of the provider: what they cost at the first calls, and give afterwards."""
    kinds = _OPTIONS if bench.device == "cuda" else {"as they come": {}}
    for name, pack in bench.packs.items():
        tiles = _tiles(bench, pack)
        for kind, chosen in kinds.items():
            told = partial(_option, bench, pack / "model.onnx", tiles, chosen)
            attempt(tell, f"{name}: {kind}", told)


def _option(bench: Bench, graph: Path, tiles: Any, chosen: dict[str, str]) -> dict[str, Any]:
    """The first call of the smallest batch and of `batch`, and the rate with tiles on the card."""
    gc.collect()
    before = gpu_cuda.used_bytes()
    session = open_bare(graph, bench.device, chosen)
    batch = bench.scale.batch
    first = sum(_once(session, feed(tiles, count)) for count in (bench.scale.batches[0], batch))
    after = gpu_cuda.used_bytes()
    inputs = feed(tiles, batch)
    binding = session.io_binding()
    for name, array in inputs.items():
        value = onnxruntime.OrtValue.ortvalue_from_numpy(array, bench.device, 0)
        binding.bind_ortvalue_input(name, value)
    for node in session.get_outputs():
        binding.bind_output(node.name, bench.device)

    def bound() -> None:
        session.run_with_iobinding(binding)
        binding.copy_outputs_to_cpu()

    call = seconds_a_call(bound, bench.scale.seconds)
    told = {"tiles_per_second": round(batch / call, 1), "first_calls_s": _round(first)}
    return told if before is None or after is None else told | {"mb": (after - before) // 10**6}


def binding(bench: Bench, tell: Tell) -> None:
    """Ways to bring a batch of tiles to the graph, and two threads of them."""
    batch = bench.scale.batch
    tiles = _tiles(bench)
    cut = [tiles[i % len(tiles)] for i in range(batch)]
    session = open_bare(bench.drawn / "model.onnx", bench.device)
    inputs = feed(tiles, batch)

    def told(name: str, call: Callable[[], object]) -> None:
        def measured() -> dict[str, Any]:
            took = seconds_a_call(call, bench.scale.seconds)
            return {"tiles_per_second": round(batch / took, 1), "ms": _ms(took)}

        attempt(tell, f"batch {batch}: {name}", measured)

    told("stacking alone", lambda: np.stack(cut))
    told("running alone", lambda: session.run(None, inputs))
    told("stacked, run", lambda: session.run(None, inputs | {"pixels": np.stack(cut)}))
    kept = np.empty_like(inputs["pixels"])
    told("stacked into one array, run", partial(_stacked, session, inputs, cut, kept))
    _threads(bench, tell, inputs, cut)
    _bound(bench, told, session, inputs, cut)
    if bench.device == "cuda":
        _on_the_card(bench, told, session, inputs)


def _stacked(session: Any, inputs: Feed, cut: Any, into: NDArray[np.uint8]) -> None:
    np.stack(cut, out=into)
    session.run(None, inputs | {"pixels": into})


def _threads(bench: Bench, tell: Tell, inputs: Feed, cut: Any) -> None:
    """Two threads: of one session, and with a session each."""
    graph, batch = bench.drawn / "model.onnx", bench.scale.batch
    one, two = open_bare(graph, bench.device), open_bare(graph, bench.device)

    def call(session: Any) -> Callable[[], object]:
        return lambda: session.run(None, inputs | {"pixels": np.stack(cut)})

    kinds = {
        "one thread": [call(one)],
        "two threads, one session": [call(one), call(one)],
        "two threads, a session each": [call(one), call(two)],
        "four threads, one session": [call(one)] * 4,
    }
    for name, calls in kinds.items():
        rate = rate_together(calls, bench.scale.seconds)
        tell(f"batch {batch}: stacked, run by {name}", tiles_per_second=round(rate * batch, 1))


def _bound(
    bench: Bench,
    told: Callable[[str, Callable[[], object]], None],
    session: Any,
    inputs: Feed,
    cut: Any,
) -> None:
    """The input copied into one place on the device; the outputs bound."""
    on_device = {
        name: onnxruntime.OrtValue.ortvalue_from_numpy(array, bench.device, 0)
        for name, array in inputs.items()
    }
    binding = session.io_binding()
    for name, value in on_device.items():
        binding.bind_ortvalue_input(name, value)
    for node in session.get_outputs():
        binding.bind_output(node.name, bench.device)

    def run() -> None:
        session.run_with_iobinding(binding)
        binding.copy_outputs_to_cpu()

    def copied() -> None:
        on_device["pixels"].update_inplace(np.stack(cut))
        run()

    told("bound, its tiles on the device already", run)
    told("bound, stacked and copied", copied)
    if bench.device != "cuda":
        return
    plain = inputs["pixels"].copy()
    told("copying a batch to the card", lambda: on_device["pixels"].update_inplace(plain))
    with gpu_cuda.locked(inputs["pixels"].shape) as locked:
        np.stack(cut, out=locked)

        def copied_locked() -> None:
            np.stack(cut, out=locked)
            on_device["pixels"].update_inplace(locked)
            run()

        told("copying from locked memory", lambda: on_device["pixels"].update_inplace(locked))
        told("running from locked memory", lambda: session.run(None, inputs | {"pixels": locked}))
        told("stacked into locked memory, run", partial(_stacked, session, inputs, cut, locked))
        told("bound, stacked into locked memory and copied", copied_locked)


def _on_the_card(
    bench: Bench, told: Callable[[str, Callable[[], object]], None], session: Any, inputs: Feed
) -> None:
    """The photo copied once, and its tiles cut on the card."""
    width, height = bench.scale.photo
    side = bench.scale.side
    grid = TileGrid(width=width, height=height, tile=side, overlap=bench.scale.overlap)
    places = [(tile.x, tile.y) for tile in grid]
    places = [places[i % len(places)] for i in range(bench.scale.batch)]
    cutting = open_bare(cutter((width, height), places, side), bench.device)
    photo = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    whole = onnxruntime.OrtValue.ortvalue_from_numpy(photo, bench.device, 0)
    pixels = onnxruntime.OrtValue.ortvalue_from_numpy(inputs["pixels"], bench.device, 0)
    placed = onnxruntime.OrtValue.ortvalue_from_numpy(inputs["placement"], bench.device, 0)
    first, second = cutting.io_binding(), session.io_binding()
    first.bind_ortvalue_input("photo", whole)
    first.bind_ortvalue_output("pixels", pixels)
    second.bind_ortvalue_input("pixels", pixels)
    second.bind_ortvalue_input("placement", placed)
    for node in session.get_outputs():
        second.bind_output(node.name, bench.device)

    def cut() -> None:
        cutting.run_with_iobinding(first)
        first.synchronize_outputs()

    def all_of_it() -> None:
        whole.update_inplace(photo)
        cutting.run_with_iobinding(first)
        session.run_with_iobinding(second)
        second.copy_outputs_to_cpu()

    told("copying a photo to the card", lambda: whole.update_inplace(photo))
    told("cutting on the card", cut)
    told("photo copied, tiles cut on the card, run", all_of_it)


def _tiles(bench: Bench, pack: Path | None = None) -> list[NDArray[np.uint8]]:
    """Tiles of the first photo in the size of the pack's network."""
    if pack is None or pack in (bench.drawn, bench.seeing):
        return views(bench.first_photo, bench.scale.side, bench.scale.overlap)
    wanted = open_pack(pack).manifest.input
    if wanted is None or wanted.width != wanted.height:
        raise ValueError(f"{pack}: a pack with a square input is needed")
    return views(bench.first_photo, wanted.width, 0)


def _round(seconds: float) -> float:
    return round(seconds, 3)


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 2)
