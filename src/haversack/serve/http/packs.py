"""Packs over HTTP: listed, sent, fetched and removed."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from haversack.asgi.bodies import Body, BodyLimit
from haversack.asgi.errors import json_response
from haversack.callers import Scope
from haversack.errors import HaversackError, Kind, PackError, RetryLaterError
from haversack.packfile.archive import open_pack, opened_archive
from haversack.packfile.manifest import Manifest
from haversack.packfile.repository import Repository
from haversack.packfile.staging import staging_folder
from haversack.packfile.tiles import can_survey, default_tile
from haversack.serve.http.context import Context
from haversack.serve.models.model import ServedModel
from haversack.serve.plane.shortage import is_short_of_memory, memory_short

_log = logging.getLogger("haversack.serve")
_MEDIA_TYPE = "application/zip"
_PIECE_BYTES = 256 << 10


class PackRoutes:
    """The endpoints under /packs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._catalogue = context.plane.catalogue
        self._uploads = Repository(context.uploads)

    async def index(self, request: Request) -> Response:
        """GET /packs: every loaded pack, then those on offer, as a menu needs them."""
        self._context.allow(request, Scope.INFER)
        rows = [_described(model) for model in self._catalogue.models()]
        on_offer = [_described_as(files.manifest) for files in self._catalogue.waiting()]
        return json_response({"packs": rows + on_offer})

    async def upload(self, request: Request) -> Response:
        """POST /packs: a .pack file as the body is checked, kept, loaded and made current.

        429 where it is kept and could not be loaded now; after every other error it is not kept.
        """
        self._context.allow(request, Scope.ADMIN)
        limit = BodyLimit(
            limit_bytes=self._context.options.pack_limit_bytes,
            option="--pack-limit",
            code="pack-too-large",
        )
        async with self._context.bodies.receive(request, limit) as body:
            manifest = await asyncio.to_thread(self._keep, body)
        model = await asyncio.to_thread(self._load, manifest.name, manifest.version)
        place = f"/packs/{manifest.name}/versions/{manifest.version}"
        return json_response(_described(model), status=201, headers={"Location": place})

    async def download(self, request: Request) -> Response:
        """GET /packs/{name}/versions/{version}: the pack as one file."""
        self._context.allow(request, Scope.ADMIN)
        name, version = request.path_params["name"], request.path_params["version"]
        path = await asyncio.to_thread(self._place, name, version)
        archive = await asyncio.to_thread(opened_archive, path, self._context.uploads.parent)
        headers = {
            "Content-Length": str(os.fstat(archive.fileno()).st_size),
            "Content-Disposition": f'attachment; filename="{name}-{version}.pack"',
        }
        return StreamingResponse(_pieces(archive), media_type=_MEDIA_TYPE, headers=headers)

    async def remove(self, request: Request) -> Response:
        """DELETE /packs/{name}/versions/{version}: unloaded, and removed if it came over HTTP."""
        self._context.allow(request, Scope.ADMIN)
        name, version = request.path_params["name"], request.path_params["version"]
        await asyncio.to_thread(self._remove, name, version)
        return Response(status_code=204)

    def _keep(self, body: Body) -> Manifest:
        """Put an uploaded pack among the server's own, whole or not at all."""
        self._uploads.root.mkdir(parents=True, exist_ok=True)
        with staging_folder(self._uploads.root) as staging:
            sent = staging / "sent.pack"
            with sent.open("wb") as file:
                body.copy_to(file)
            try:
                files = open_pack(sent)
            except PackError as error:
                # Where it lies meanwhile is not its sender's business.
                error.message = error.message.replace(str(sent), "the pack")
                raise
            name, version = files.manifest.name, files.manifest.version
            if self._catalogue.path_of(name, version) is not None:
                raise PackError(
                    "pack-version-exists",
                    f"there is a version {version} of {name} here already",
                    kind=Kind.CONFLICT,
                    hint="Send it under another version, or remove that one first.",
                )
            self._uploads.publish(name, version, lambda folder, _: files.write_into(folder))
        return files.manifest

    def _load(self, name: str, version: str) -> ServedModel:
        """Serve what was just kept. A pack that cannot be loaded now, but later, stays; one that
        cannot be loaded at all goes again.
        """
        try:
            return self._catalogue.load(name, version)
        except Exception as error:
            if is_short_of_memory(error):
                error = memory_short(error, self._context.plane.seats.retry_after_seconds())
            if isinstance(error, RetryLaterError):
                raise self._kept(error, name, version) from error
            self._take_back(name, version)
            if isinstance(error, HaversackError):
                error.message += "; the pack was not kept"
            raise

    def _take_back(self, name: str, version: str) -> None:
        self._catalogue.forget(name, version)
        try:
            self._uploads.remove(name, version)
        except (HaversackError, OSError) as error:
            _log.warning("%s@%s was not loaded, and is still there: %s", name, version, error)

    def _kept(self, error: RetryLaterError, name: str, version: str) -> HaversackError:
        """The same, with what became of the pack and the next step."""
        load = f"POST /v2/repository/models/{name}/load loads it"
        # `load` takes the highest of every place there is.
        known = [int(row.version) for row in self._catalogue.index() if row.name == name]
        if max(known, default=0) > int(version):
            load = f"POST /packs takes it again after DELETE /packs/{name}/versions/{version}"
        return RetryLaterError(
            f"{error.message}; {name} {version} is kept, and not loaded",
            retry_after_seconds=error.retry_after_seconds,
            hint=f"When the server is less busy, {load}.",
            code=error.code,
        )

    def _place(self, name: str, version: str) -> Path:
        path = self._catalogue.path_of(name, version)
        if path is None:
            raise PackError(
                "pack-not-found",
                f"there is no version {version[:20]!r} of a pack {name[:80]!r} here",
                hint="POST /v2/repository/index lists every pack and version.",
                kind=Kind.NOT_FOUND,
            )
        return path

    def _remove(self, name: str, version: str) -> None:
        path = self._place(name, version)
        if path.parent.parent != self._uploads.root:
            raise HaversackError(
                "pack-read-only",
                f"{name} {version} did not come over HTTP, and is not removed over HTTP",
                hint="Its owner can delete its folder; POST /v2/repository/models/"
                f"{name}/unload stops serving it.",
                kind=Kind.FORBIDDEN,
            )
        self._catalogue.forget(name, version)
        self._uploads.remove(name, version)


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    """An open file in pieces; it is closed at the end, or when the caller hangs up."""
    with file:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece


def _described(model: ServedModel) -> dict[str, object]:
    """A loaded pack."""
    return _described_as(model.manifest) | {
        "loaded": True,
        "speed_seconds": model.warm_seconds or None,
    }


def _described_as(manifest: Manifest) -> dict[str, object]:
    """A pack that is loaded when it is asked for."""
    return {
        "name": manifest.name,
        "version": manifest.version,
        "task": manifest.task,
        "labels": list(manifest.labels),
        "description": manifest.description,
        "licence": manifest.licence,
        "loaded": False,
        "takes_pictures": manifest.takes_photos,
        "survey_tile": default_tile(manifest)[0] if can_survey(manifest) else None,
        "default_threshold": manifest.defaults.score_threshold,
        "accuracy": manifest.accuracy,
        "speed_seconds": None,
    }
