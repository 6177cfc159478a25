"""V1 predict: from the bytes of a body to the bytes of its answer.

Source: `tensorflow_serving/g3doc/api_rest.md`; KServe, "V1 inference protocol".
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import msgspec
import numpy as np

from haversack.engine.results import PhotoResult
from haversack.engine.session import Array
from haversack.engine.tensors import check, encoded, known, number_array, string_array, to_json
from haversack.errors import HaversackError
from haversack.packfile.manifest import Manifest
from haversack.packfile.signature import Signature, TensorSpec
from haversack.serve.models.model import ServedModel, Takes
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.encoded_photo import EncodedPhoto, PhotoBytes
from haversack.serve.plane.request_lifetime import RequestLifetime
from haversack.serve.plane.visits import Target
from haversack.serve.protocols.answering import Answer, SentBody
from haversack.serve.protocols.checks import invalid, unbase64

_encoder = msgspec.json.Encoder()
_USE = 'Send {"instances": [...]} with one element a row, or {"inputs": ...} with whole columns.'


class _Predict(msgspec.Struct):
    instances: Any = msgspec.UNSET
    inputs: Any = msgspec.UNSET
    signature_name: str = ""


class V1Predict:
    """See `Answering`."""

    route = "v1"

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    async def check(self, manifest: Manifest, sent: SentBody) -> None:
        """Whether it is V1 JSON, and its tensors are the pack's."""
        takes = Takes.of(manifest)
        async with self._parsed(takes, sent, self._plane.lifetime()) as (asked, _):
            if not takes.photos:
                check(manifest.signature, asked)

    async def answer(self, target: Target, sent: SentBody) -> Answer:
        """`predictions` for `instances`, `outputs` for `inputs`."""
        lifetime = self._plane.lifetime()
        async with self._plane.present(target, lifetime) as model:
            takes = model.takes
        del model  # a swap waits until nobody holds it
        async with self._parsed(takes, sent, lifetime) as (asked, is_rows):
            if takes.photos:
                return await self._predict_photos(target, asked, lifetime, is_rows=is_rows)
            arrays, pack = await self._plane.tensors.infer(target, asked, lifetime)
            content = _encoder.encode(_rows(arrays) if is_rows else _whole(arrays))
            return Answer(content=content, version=pack.version)

    def _parsed(
        self, takes: Takes, sent: SentBody, lifetime: RequestLifetime
    ) -> AbstractAsyncContextManager[tuple[Any, bool]]:
        lifetime.reads(sent.body)
        read = _photos if takes.photos else _columns
        work: Callable[[], Any] = partial(_read, sent.body, takes.signature, read)
        return self._plane.parsing.parsed(work, sent.body.size_bytes, lifetime)

    async def _predict_photos(
        self, target: Target, photos: list[bytes], lifetime: RequestLifetime, *, is_rows: bool
    ) -> Answer:
        """One record a photo, in their order."""

        def render(result: PhotoResult, model: ServedModel) -> tuple[dict[str, Any], str]:
            kept = result.above(model.manifest.defaults.score_threshold)
            return kept.to_dict(), model.identity.version

        records, version = [], ""
        for number, data in enumerate(photos):
            try:
                photo = PhotoBytes(data)
                seen, version = await self._plane.photos.predict(target, photo, render, lifetime)
            except HaversackError as error:
                error.message = f"instance {number}: {error.message}"
                raise
            records.append(seen)
        content = _encoder.encode({"predictions" if is_rows else "outputs": records})
        return Answer(content=content, version=version)


def _read(
    body: EncodedPhoto, signature: Signature, read: Callable[[Any, Signature, bool], Any]
) -> tuple[Any, bool]:
    """What was asked, and whether it came row by row."""
    # Pieces become one here, on the thread that parses, which is not the loop's for a large body.
    data = memoryview(body.view() if body.size_bytes else b"")
    try:
        message = msgspec.json.decode(data, type=_Predict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise invalid(f"the request is not V1 predict JSON: {fault}", _USE) from fault
    is_rows = message.instances is not msgspec.UNSET
    if is_rows == (message.inputs is not msgspec.UNSET):
        raise invalid("exactly one of `instances` and `inputs` is needed", _USE)
    return read(message.instances if is_rows else message.inputs, signature, is_rows), is_rows


def _photos(value: Any, signature: Signature, is_rows: bool) -> list[bytes]:
    items = value if isinstance(value, list) else [value]
    if not items or (is_rows and not isinstance(value, list)):
        raise invalid("`instances` must be a list with an element for each photo", _USE)
    return [_photo(item, number) for number, item in enumerate(items)]


def _photo(item: Any, number: int) -> bytes:
    """{"b64": ...}, or the same under any one name."""
    if isinstance(item, dict) and "b64" not in item and len(item) == 1:
        (item,) = item.values()
    if not isinstance(item, dict) or set(item) != {"b64"}:
        raise invalid(
            f'instance {number}: a photo is {{"b64": "<base64 of a JPEG or PNG>"}}, or '
            '{"image": {"b64": ...}}'
        )
    return unbase64(item["b64"])


def _columns(value: Any, signature: Signature, is_rows: bool) -> dict[str, Array]:
    """Named arrays, from rows or from columns."""
    if is_rows:
        if not isinstance(value, list) or not value:
            raise invalid("`instances` must be a list with an element for each row", _USE)
        value = _turned(value)
    specs = signature.inputs
    if len(specs) == 1 and not (isinstance(value, dict) and set(value) != {"b64"}):
        return {specs[0].name: _array(specs[0], value)}
    if not isinstance(value, dict):
        raise invalid(f"the model takes {len(specs)} inputs, so give each by its name", _USE)
    if len(specs) == 1 and len(value) == 1:
        # A pack with one input accepts any name for it.
        return {specs[0].name: _array(specs[0], next(iter(value.values())))}
    wanted = {spec.name: spec for spec in specs}
    unknown = [name for name in value if name not in wanted]
    if unknown:
        raise invalid(f"the model has no input {unknown[0][:64]!r}; it has {', '.join(wanted)}")
    return {name: _array(wanted[name], data) for name, data in value.items()}


def _turned(rows: list[Any]) -> Any:
    """Rows as columns: where they are objects, one list for each name."""
    if not isinstance(rows[0], dict) or set(rows[0]) == {"b64"}:
        return rows
    names = list(rows[0])
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or set(row) != set(names):
            raise invalid(f"instance {number} has not the same names as instance 0", _USE)
    return {name: [row[name] for row in rows] for name in names}


def _array(spec: TensorSpec, data: Any) -> Array:
    if spec.datatype != "BYTES":
        return number_array(spec.name, data, known(spec.name, spec.datatype))
    if isinstance(data, list) and any(isinstance(item, dict) for item in data):
        array = np.empty(len(data), dtype=np.object_)
        array[:] = [unbase64(item.get("b64") if isinstance(item, dict) else None) for item in data]
        return array
    return string_array(spec.name, data)


def _rows(arrays: dict[str, Array]) -> dict[str, Any]:
    """One element a row: bare where there is one output, else an object."""
    lists = {name: _nested(name, array) for name, array in arrays.items()}
    if len(lists) == 1:
        return {"predictions": next(iter(lists.values()))}
    counts = {len(rows) if isinstance(rows, list) else -1 for rows in lists.values()}
    if len(counts) != 1 or -1 in counts:
        raise invalid("the model's outputs are not row by row; ask with `inputs` instead")
    return {
        "predictions": [
            dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)
        ]
    }


def _whole(arrays: dict[str, Array]) -> dict[str, Any]:
    lists = {name: _nested(name, array) for name, array in arrays.items()}
    return {"outputs": next(iter(lists.values())) if len(lists) == 1 else lists}


def _nested(name: str, array: Array) -> Any:
    """The array as nested lists; null for what JSON has no number for."""
    if array.dtype.kind in "OUS" and name.endswith("_bytes"):
        flat: list[Any] = [
            {"b64": base64.b64encode(encoded(item)).decode()} for item in array.reshape(-1)
        ]
    else:
        flat, _ = to_json(array)
    shaped = np.empty(array.size, dtype=np.object_)
    shaped[:] = flat
    return shaped.reshape(array.shape).tolist()
