"""A data plane on the running loop, whose models' threads can be held at a gate."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from tests.server.running import BLOBS, PHOTO

from haversack.engine.cpus import usable_cpus
from haversack.engine.predictor import Predictor
from haversack.engine.results import PhotoResult
from haversack.packfile.archive import PackFiles
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.loaded import LoadPolicy
from haversack.serve.models.model import ServedModel
from haversack.serve.options import ServeOptions
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.encoded_photo import PhotoBytes
from haversack.serve.plane.photos import BatchItem
from haversack.serve.plane.visits import Target, Workers

TARGET = Target(name="blobs")
ONE_TURN = ServeOptions(threads=usable_cpus())
_PATIENCE_SECONDS = 20.0


class Barred:
    """Threads that come by wait here until they are let go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._go = threading.Event()
        self.came = self.inside = self.most = 0

    def __call__(self) -> None:
        with self._lock:
            self.came += 1
            self.inside += 1
            self.most = max(self.most, self.inside)
        try:
            assert self._go.wait(_PATIENCE_SECONDS), "nobody let it go"
        finally:
            with self._lock:
                self.inside -= 1

    def let_go(self) -> None:
        """Now, and everyone who comes later."""
        self._go.set()


class BarredPredictor:
    """A real one, but that one of its methods begins with a wait."""

    def __init__(self, inner: Predictor, method: str, bar: Callable[[], None]) -> None:
        self._inner = inner
        self._method = method
        self._bar = bar

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name != self._method:
            return found

        def barred(*words: Any) -> Any:
            self._bar()
            return found(*words)

        return barred


class BarredModel(ServedModel):
    """Warmed without the wait; then its predictor has it."""

    def __init__(
        self, files: PackFiles, options: ServeOptions, method: str, bar: Callable[[], None]
    ) -> None:
        super().__init__(files, options)
        self._method, self._bar = method, bar

    def warm(self) -> None:
        super().warm()
        barred = BarredPredictor(self.predictor, self._method, self._bar)
        self.predictor = cast("Predictor", barred)


@asynccontextmanager
async def held_plane(
    bar: Callable[[], None],
    method: str = "infer",
    options: ServeOptions = ONE_TURN,
    packs: Sequence[Path] = (BLOBS,),
) -> AsyncIterator[DataPlane]:
    """These packs, loaded: `method` of their predictors begins with `bar`."""
    open_model = partial(BarredModel, options=options, method=method, bar=bar)
    catalogue = Catalogue(open_model, (), LoadPolicy(drain_seconds=_PATIENCE_SECONDS))
    for pack in packs:
        catalogue.add(pack, keep_others=True)
    with ThreadPoolExecutor(1) as decoding, ThreadPoolExecutor(8) as inferring:
        yield DataPlane(catalogue, Workers(decoding=decoding, inferring=inferring), options)


def patient(seconds: float) -> ServeOptions:
    """One turn, and so much patience."""
    return replace(ONE_TURN, wait_seconds=seconds)


def seen(result: PhotoResult, model: ServedModel) -> str:
    """A render: which version saw it."""
    return model.identity.version


def photo() -> PhotoBytes:
    """One of the pack's own."""
    return PhotoBytes(PHOTO.read_bytes())


def asked(count: int) -> list[BatchItem[str]]:
    """The same photo, so many times."""
    return [BatchItem(photo=photo(), render=seen) for _ in range(count)]


async def until(is_true: Callable[[], bool]) -> None:
    """Let others go on until something is so."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not is_true():
            await asyncio.sleep(0.001)
