"""A data plane in this process, on an event loop of its own; and packs with a curve made to say."""

from __future__ import annotations

import asyncio
import datetime
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.server.running import BLOBS

from haversack.packfile.archive import open_pack
from haversack.packfile.profile import Case, Machine, MemoryFormula, Profile, store
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.loaded import LoadPolicy
from haversack.serve.models.model import ServedModel
from haversack.serve.models.residency import Residency
from haversack.serve.models.sizes import Sizes
from haversack.serve.options import ServeOptions
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.visits import Workers

OPTIONS = ServeOptions(threads=1)
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Running:
    """A data plane, and the loop that it belongs to."""

    plane: DataPlane
    loop: asyncio.AbstractEventLoop

    def batches(self, name: str) -> set[int]:
        """How many photos the calls of a pack took."""
        with self.plane.catalogue.use(name) as model:
            return set(model.statistics.by_batch)


@contextmanager
def running_plane(
    packs: Sequence[Path], cache: Path, packs_bytes: int = 512 * MIB
) -> Iterator[Running]:
    """These packs, loaded, for the length of a block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    policy = LoadPolicy(residency=Residency(packs_bytes, 2), sizes=Sizes(cache))
    catalogue = Catalogue(partial(ServedModel, options=OPTIONS), (), policy)
    for pack in packs:
        catalogue.add(pack, keep_others=True)
    with ThreadPoolExecutor(2) as decoding, ThreadPoolExecutor(2) as inferring:
        workers = Workers(decoding=decoding, inferring=inferring)
        thread.start()
        try:
            yield Running(plane=DataPlane(catalogue, workers, OPTIONS), loop=loop)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
    loop.close()


def renamed(folder: Path, name: str) -> Path:
    """The pack `blobs` under another name."""
    target = folder / name / "1"
    shutil.copytree(BLOBS, target)
    manifest = target / "pack.toml"
    manifest.write_text(manifest.read_text().replace('name = "blobs"', f'name = "{name}"', 1))
    return target


def says(cache: Path, pack: Path, seconds: Mapping[int, float], row_bytes: int = MIB) -> None:
    """This machine's profile of a pack, with seconds by batch that nobody measured."""
    files = open_pack(pack)
    cases = [
        Case(megapixels=0, batch=batch, threads=OPTIONS.threads, seconds=took, peak_bytes=0)
        for batch, took in seconds.items()
    ]
    profile = Profile(
        format=1,
        name=files.manifest.name,
        version=files.manifest.version,
        digest=files.digest,
        created=datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC),
        machine=Machine(cpus=2, machine="x", system="x", runtime="x"),
        memory=MemoryFormula(
            runtime_bytes=0, session_bytes=MIB, call_bytes=MIB, row_bytes=row_bytes
        ),
        cases=tuple(cases),
    )
    store(cache, profile)
