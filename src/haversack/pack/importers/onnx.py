"""From an ONNX file to the draft of a pack."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx

from haversack.engine.session import Array
from haversack.errors import ImportRefusedError
from haversack.pack.adapt import adapt_batch, adapt_opset
from haversack.pack.draft import Draft, ImportRequest, Rule
from haversack.pack.fit_proof import prove_fit
from haversack.pack.graph.batch import BATCH
from haversack.pack.graph.fit import fit_graph
from haversack.pack.graph.heads import table
from haversack.pack.graph.heads.head import Decoding, Head
from haversack.pack.graph.join import Parts, join
from haversack.pack.graph.network import opset_of, photo_input, read_network
from haversack.pack.graph.opset import at_opset
from haversack.pack.graph.prepare import NetworkInput, prepare_graph
from haversack.pack.graph.suppress import OPSET as SUPPRESS_OPSET
from haversack.pack.graph.suppress import Suppression, suppress_graph
from haversack.pack.normalisation import Normalisation
from haversack.pack.original import (
    Original,
    Reading,
    check_finite,
    expected_outputs,
    open_original,
    raw_outputs,
    without_batch,
)
from haversack.pack.recipe import Recipe
from haversack.pack.reference.decode import Thresholds
from haversack.pack.samples import random_inputs, read_samples
from haversack.packfile.manifest import GraphSettings, InputGeometry, Task
from haversack.packfile.signature import TensorSpec

_TENSOR_SAMPLES = 3
# prepare needs Reshape with 0 ("as it is"), which came with 5; nothing older is seen in the wild.
_LOWEST_OPSET = 7
_RULES: dict[Task, Rule] = {
    "detect": "boxes",
    "classify": "probabilities",
    "label-map": "labels",
    "tensor": "tensors",
}


def import_onnx(request: ImportRequest) -> Draft:
    """Read, understand and join; nothing is written and nothing proved yet.

    Raises:
        ImportRefusedError: what could not be told, what was seen, and which option says it.
    """
    network = read_network(request.source)
    if request.recipe.geometry == "none":
        return _tensor_draft(request, network)
    return _photo_draft(request, network)


def _tensor_draft(request: ImportRequest, network: onnx.ModelProto) -> Draft:
    """A graph that takes tensors: kept as it is, with drawn inputs as samples."""
    if request.recipe.head not in ("", table.NONE):
        raise ImportRefusedError(
            "head-needs-pictures",
            f"--head {request.recipe.head} reads photos, and --geometry none was given",
            hint="Give --head none for a graph that takes tensors.",
        )
    _check_task(request.recipe, None)
    session = open_original(network)
    network = at_opset(network, _LOWEST_OPSET)
    files = {"model.onnx": network.SerializeToString()}
    for i in range(_TENSOR_SAMPLES):
        inputs = random_inputs(session.signature.inputs, seed=i)
        files[f"samples/{i + 1:03d}.inputs.npz"] = _npz(inputs)
        outputs = session.run(inputs)
        for name, array in outputs.items():
            check_finite(name, array)
        files[f"samples/{i + 1:03d}.expected.npz"] = _npz(outputs)
    return Draft(
        request=request,
        task="tensor",
        source_sha256=_sha256(request.source),
        files=files,
        rule="tensors",
    )


def _photo_draft(request: ImportRequest, network: onnx.ModelProto) -> Draft:
    recipe = request.recipe
    original = _original(network, recipe)
    samples = read_samples(request.samples)
    fed = [original.feed(sample.pixels) for sample in samples]
    feeds, references = [values for values, _ in fed], [placed for _, placed in fed]
    decoding = _decoding(original, feeds, request)
    head = None if recipe.head == table.NONE else table.choose(recipe.head, decoding)
    _check_task(recipe, head)
    lowest = _lowest_opset(head, decoding)
    network = adapt_opset(network, lowest, original, feeds)
    network, wanted = adapt_batch(network, original, feeds)
    decoding = dataclasses.replace(decoding, opset=opset_of(network), batch=wanted.batch)
    model, graph = _joined(request, _Reader(network, wanted, original.rule, head, decoding))
    fit = fit_graph(original.geometry)
    reading = Reading(head=recipe.head, decoding=decoding, rule=_thresholds(graph))
    files = {
        "model.onnx": model.SerializeToString(),
        "fit.onnx": fit.SerializeToString(),
    }
    same_pixels: dict[str, dict[str, Array]] = {}
    ours = prove_fit(fit, samples, references)
    for sample, placed, reference in zip(samples, ours, references, strict=True):
        files[f"samples/{sample.name}.png"] = sample.png
        if head is None:
            expected = raw_outputs(original, placed.pixels, decoding)
        else:
            expected = expected_outputs(original, reference, sample.size, reading)
            same_pixels[sample.name] = expected_outputs(original, placed, sample.size, reading)
        files[f"samples/{sample.name}.expected.npz"] = _npz(expected)
    task: Task = head.task if head else "tensor"
    return Draft(
        request=request,
        task=task,
        source_sha256=_sha256(request.source),
        files=files,
        rule=_RULES[task],
        input=original.geometry,
        graph=graph,
        batches=wanted.batch == BATCH,
        same_pixels=same_pixels,
    )


def _original(network: onnx.ModelProto, recipe: Recipe) -> Original:
    wanted = photo_input(network, _size(recipe.size))
    wants_gray = recipe.channels == "GRAY"
    if (wanted.channels == 1) != wants_gray:
        raise ImportRefusedError(
            "channels-unfit",
            f"the graph takes {wanted.channels} channel(s), and the recipe says {recipe.channels}",
            hint="Give --channels GRAY for one channel, RGB or BGR for three.",
        )
    geometry = {name: getattr(recipe, name) for name in _GEOMETRY_FIELDS}
    return Original(
        session=open_original(network),
        wanted=wanted,
        geometry=InputGeometry(width=wanted.width, height=wanted.height, **geometry),
        rule=Normalisation(
            channels=recipe.channels, scale=recipe.scale, mean=recipe.mean, std=recipe.std
        ),
    )


_GEOMETRY_FIELDS = (
    "geometry",
    "anchor",
    "pad",
    "kernel",
    "antialias",
    "rounding",
    "channels",
    "crop",
)


def _decoding(original: Original, feeds: Sequence[Array], request: ImportRequest) -> Decoding:
    """What a head must know, from the outputs on every sample."""
    outputs = _common([original.observe(feed) for feed in feeds])
    recipe = request.recipe
    return Decoding(
        outputs=outputs,
        width=original.wanted.width,
        height=original.wanted.height,
        labels=len(request.labels),
        opset=SUPPRESS_OPSET,
        candidates=recipe.candidates,
        box_format=recipe.box_format,
        box_units=recipe.box_units,
        first_label=recipe.first_label,
        own_nms=recipe.own_nms,
    )


def _common(seen: Sequence[tuple[TensorSpec, ...]]) -> tuple[TensorSpec, ...]:
    """The outputs over all samples; -1 where a side differs between them."""
    return tuple(
        TensorSpec(
            name=specs[0].name,
            datatype=specs[0].datatype,
            shape=tuple(
                sides[0] if len(set(sides)) == 1 else -1
                for sides in zip(*(spec.shape for spec in specs), strict=True)
            ),
        )
        for specs in zip(*seen, strict=True)
    )


def _check_task(recipe: Recipe, head: Head | None) -> None:
    task = head.task if head else "tensor"
    if recipe.task not in (None, task):
        raise ImportRefusedError(
            "task-unfit",
            f"--task {recipe.task} was given, and --head {recipe.head or table.NONE} makes {task}",
            hint="Leave --task out, or choose the head that makes this task.",
        )
    if task == "label-map" and recipe.geometry == "crop":
        raise ImportRefusedError(
            "geometry-unfit",
            "--geometry crop was given; a label map would not reach the photo's edges",
            hint="Give --geometry letterbox or stretch.",
        )


def _lowest_opset(head: Head | None, decoding: Decoding) -> int:
    if head is None:
        return _LOWEST_OPSET
    needs = SUPPRESS_OPSET if head.task == "detect" else _LOWEST_OPSET
    return max(head.lowest_opset(decoding), needs)


@dataclasses.dataclass(frozen=True)
class _Reader:
    """A network and how it is fed and read."""

    network: onnx.ModelProto
    wanted: NetworkInput
    rule: Normalisation
    head: Head | None
    decoding: Decoding


def _joined(
    request: ImportRequest, reader: _Reader
) -> tuple[onnx.ModelProto, GraphSettings | None]:
    """model.onnx, and what was written into it."""
    opset, recipe = reader.decoding.opset, request.recipe
    built = reader.head.build(reader.decoding) if reader.head else None
    suppress, graph = None, None
    if built is not None and reader.head is not None and reader.head.task == "detect":
        settings = Suppression(
            score_floor=recipe.score_floor,
            nms_iou=1.0 if built.own_nms else recipe.nms_iou,
            candidates=recipe.candidates,
            max_detections=recipe.max_detections,
            anchors=built.anchors,
            batch=reader.wanted.batch,
        )
        suppress = suppress_graph(settings, opset=opset)
        graph = GraphSettings(
            score_floor=settings.score_floor,
            nms_iou=settings.nms_iou,
            candidates=settings.kept,
            max_detections=settings.slots,
        )
    parts = Parts(
        prepare=prepare_graph(reader.wanted, reader.rule, opset=opset),
        network=reader.network,
        wanted=reader.wanted,
        head=built.model if built else None,
        suppress=suppress,
        without_batch=() if built else without_batch(reader.wanted, reader.decoding.outputs),
    )
    task: Task = reader.head.task if reader.head else "tensor"
    return join(parts, name=request.name, task=task), graph


def _thresholds(graph: GraphSettings | None) -> Thresholds:
    used = graph or GraphSettings()
    return Thresholds(
        score_floor=used.score_floor,
        nms_iou=used.nms_iou,
        candidates=used.candidates,
        max_detections=used.max_detections,
    )


def _size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if match is None:
        raise ImportRefusedError(
            "size-unreadable",
            f"--size takes WIDTHxHEIGHT, received {text!r}",
            hint="For example --size 640x640.",
        )
    return int(match[1]), int(match[2])


def _npz(arrays: dict[str, Array]) -> bytes:
    """As numpy.savez_compressed, but for any name (it cannot take "file") and without dates."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as members:
        for name, array in arrays.items():
            with members.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
