"""From a network that some importer read to the draft of a pack: the same for every importer."""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from haversack.engine.session import Array
from haversack.errors import ImportRefusedError
from haversack.pack.adapt import adapt_batch, adapt_opset
from haversack.pack.decoding import Decoding
from haversack.pack.draft import Draft, ImportRequest
from haversack.pack.fit_proof import prove_fit
from haversack.pack.graph.batch import BATCH
from haversack.pack.graph.fit import fit_graph
from haversack.pack.graph.heads import table
from haversack.pack.graph.heads.head import Head, HeadGraph
from haversack.pack.graph.join import Parts, join
from haversack.pack.graph.network import opset_of, photo_input
from haversack.pack.graph.opset import at_opset
from haversack.pack.graph.prepare import NetworkInput, prepare_graph
from haversack.pack.graph.suppress import OPSET as SUPPRESS_OPSET
from haversack.pack.graph.suppress import fitted, suppress_graph
from haversack.pack.importers.importer import Network
from haversack.pack.original import (
    Original,
    check_finite,
    expected_outputs,
    raw_outputs,
    without_batch,
)
from haversack.pack.recipe import Recipe
from haversack.pack.samples import random_inputs, read_samples
from haversack.packfile.manifest import Suppression
from haversack.packfile.signature import TensorSpec

_TENSOR_SAMPLES = 3
# prepare needs Reshape with 0 ("as it is"), which came with 5; nothing older is seen in the wild.
_LOWEST_OPSET = 7


def assemble(
    network: Network, request: ImportRequest, heads: Mapping[str, Head] = table.HEADS
) -> Draft:
    """Understand and join; nothing is written and nothing proved yet.

    What the network's own files tell stands below what the request says.

    Raises:
        ImportRefusedError: what could not be told, what was seen, and which option says it.
    """
    request = dataclasses.replace(
        request,
        recipe=request.recipe.over(network.told),
        labels=request.labels or network.labels,
    )
    if request.recipe.feeding.geometry == "none":
        return _tensor_draft(request, network)
    return _photo_draft(request, network, heads)


def _tensor_draft(request: ImportRequest, network: Network) -> Draft:
    """A graph that takes tensors: kept as it is, with drawn inputs as samples."""
    if request.recipe.head not in ("", table.NONE):
        raise ImportRefusedError(
            "head-needs-pictures",
            f"--head {request.recipe.head} reads photos, and --geometry none was given",
            hint="Give --head none for a graph that takes tensors.",
        )
    _check_task(request.recipe, None)
    session = network.open_original()
    graph = at_opset(network.graph, _LOWEST_OPSET)
    files = {"model.onnx": graph.SerializeToString()}
    for i in range(_TENSOR_SAMPLES):
        inputs = random_inputs(session.signature.inputs, seed=i)
        files[f"samples/{i + 1:03d}.inputs.npz"] = _npz(inputs)
        outputs = session.run(inputs)
        for name, array in outputs.items():
            check_finite(name, array)
        files[f"samples/{i + 1:03d}.expected.npz"] = _npz(outputs)
    return Draft(request=request, task=table.task_made(None), origin=network.origin, files=files)


def _photo_draft(request: ImportRequest, network: Network, heads: Mapping[str, Head]) -> Draft:
    recipe = request.recipe
    original = _original(network, recipe)
    samples = read_samples(request.samples)
    fed = [original.feed(sample.pixels) for sample in samples]
    feeds, references = [values for values, _ in fed], [placed for _, placed in fed]
    decoding = _decoding(original, feeds, request)
    head = None if recipe.head == table.NONE else table.choose(recipe.head, decoding, heads)
    _check_task(recipe, head)
    if head is not None and head.check is not None:
        head.check(recipe.feeding)
    graph = adapt_opset(network.graph, _lowest_opset(head, decoding), original, feeds)
    graph, wanted = adapt_batch(graph, original, feeds)
    decoding = dataclasses.replace(decoding, opset=opset_of(graph), batch=wanted.batch)
    reader = _Reader(graph, wanted, head, decoding)
    model, suppression = _joined(request, reader)
    if suppression is not None:
        decoding = dataclasses.replace(decoding, suppression=suppression)
    fit = fit_graph(original.geometry)
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
            read = head.reference
            expected = expected_outputs(original, reference, sample.size, read, decoding)
            seen = expected_outputs(original, placed, sample.size, read, decoding)
            same_pixels[sample.name] = seen
        files[f"samples/{sample.name}.expected.npz"] = _npz(expected)
    return Draft(
        request=request,
        task=table.task_made(head),
        origin=network.origin,
        files=files,
        input=original.geometry,
        graph=suppression,
        batches=wanted.batch == BATCH,
        same_pixels=same_pixels,
    )


def _original(network: Network, recipe: Recipe) -> Original:
    wanted = photo_input(network.graph, _size(recipe.size))
    feeding = recipe.feeding
    wants_gray = feeding.channels == "GRAY"
    if (wanted.channels == 1) != wants_gray:
        raise ImportRefusedError(
            "channels-unfit",
            f"the graph takes {wanted.channels} channel(s), and the recipe says {feeding.channels}",
            hint="Give --channels GRAY for one channel, RGB or BGR for three.",
        )
    return Original(
        session=network.open_original(),
        wanted=wanted,
        geometry=feeding.into(wanted.width, wanted.height),
        feeding=feeding,
    )


def _decoding(original: Original, feeds: Sequence[Array], request: ImportRequest) -> Decoding:
    """What a head must know, from the outputs on every sample."""
    return Decoding(
        outputs=_common([original.observe(feed) for feed in feeds]),
        width=original.wanted.width,
        height=original.wanted.height,
        labels=len(request.labels),
        opset=SUPPRESS_OPSET,
        reading=request.recipe.reading,
        suppression=request.recipe.suppression,
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
    task = table.task_made(head)
    if recipe.task not in (None, task):
        raise ImportRefusedError(
            "task-unfit",
            f"--task {recipe.task} was given, and --head {recipe.head or table.NONE} makes {task}",
            hint="Leave --task out, or choose the head that makes this task.",
        )


def _lowest_opset(head: Head | None, decoding: Decoding) -> int:
    if head is None:
        return _LOWEST_OPSET
    needs = SUPPRESS_OPSET if head.gives_boxes else _LOWEST_OPSET
    return max(head.lowest_opset(decoding), needs)


@dataclasses.dataclass(frozen=True)
class _Reader:
    """A network and how it is read."""

    graph: onnx.ModelProto
    wanted: NetworkInput
    head: Head | None
    decoding: Decoding


def _joined(request: ImportRequest, reader: _Reader) -> tuple[onnx.ModelProto, Suppression | None]:
    """model.onnx, and what was written into it."""
    head, wanted, opset = reader.head, reader.wanted, reader.decoding.opset
    built = head.build(reader.decoding) if head else None
    suppress, suppression = None, None
    if built is not None and head is not None and head.gives_boxes:
        suppress, suppression = _suppressed(built, reader)
    parts = Parts(
        prepare=prepare_graph(wanted, request.recipe.feeding, opset=opset),
        network=reader.graph,
        wanted=wanted,
        head=built.model if built else None,
        suppress=suppress,
        without_batch=() if built else without_batch(wanted, reader.decoding.outputs),
    )
    return join(parts, name=request.name, task=table.task_made(head)), suppression


def _suppressed(built: HeadGraph, reader: _Reader) -> tuple[onnx.ModelProto, Suppression]:
    decoding = reader.decoding
    suppression = fitted(decoding.suppression, anchors=built.anchors, own_nms=built.own_nms)
    graph = suppress_graph(
        suppression, anchors=built.anchors, batch=decoding.batch, opset=decoding.opset
    )
    return graph, suppression


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
