"""The composition root: from settings to a server that runs until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from haversack.asgi.access import AccessRules
from haversack.asgi.bodies import BodyStore
from haversack.asgi.door import Door, DoorOptions
from haversack.asgi.errors import exception_handlers
from haversack.engine.allocator import settle, trim
from haversack.engine.cpus import usable_cpus
from haversack.errors import HaversackError, Kind
from haversack.serve.catalogue import Catalogue
from haversack.serve.context import Context, Phase
from haversack.serve.dataplane import DataPlane, Workers
from haversack.serve.http import routes as data_routes
from haversack.serve.model import ServedModel
from haversack.serve.options import ServeOptions
from haversack.web.page import routes as page_routes
from haversack.web.samples import SampleShelf

_log = logging.getLogger("haversack.app")
_KEEP_ALIVE_SECONDS = 75  # longer than the 60 s after which load balancers close idle connections
_TRIM_SECONDS = 1.0
_MODELS_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class AppOptions:
    """What a server is made of.

    Attributes:
        packs: loaded at the start; each must open.
        wished: loaded too, but one that does not open is only warned of.
        repositories: where more packs may be loaded from.
        state: folder for what is sent and what waits.
        rules: who may ask.
        serve: the limits.
        samples: folder of photos that the page offers; None to draw some.
        log_requests: one line each.
        grace_seconds: from the signal to end until the port closes; ready says 503 meanwhile.
    """

    state: Path
    packs: tuple[Path, ...] = ()
    wished: tuple[Path, ...] = ()
    repositories: tuple[Path, ...] = ()
    rules: AccessRules = field(default_factory=AccessRules)
    serve: ServeOptions = field(default_factory=ServeOptions)
    samples: Path | None = None
    log_requests: bool = False
    grace_seconds: float = 0.0


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        HaversackError: `port-taken`, `address-unusable`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as fault:
        hint = "Choose another with --port; 0 takes any that is free."
        if fault.errno == errno.EADDRINUSE:
            raise HaversackError(
                "port-taken",
                f"port {port} of {host} is in use by another program",
                hint=hint,
                kind=Kind.UNAVAILABLE,
            ) from fault
        raise HaversackError(
            "address-unusable",
            f"cannot listen on {host} port {port}: {fault.strerror}",
            hint=hint,
            kind=Kind.UNAVAILABLE,
        ) from fault


def run(
    options: AppOptions, listener: socket.socket, on_ready: Callable[[Sequence[ServedModel]], None]
) -> None:
    """Serve until SIGTERM or Ctrl-C, then answer what is under way, and return.

    Args:
        on_ready: called once, with what is loaded, when the first request can be answered.

    Raises:
        HaversackError: a pack of `options.packs` cannot be loaded.
    """
    settle()
    house = _House(options, on_ready)
    config = uvicorn.Config(
        house.app(),
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(options.serve.wait_seconds) + 1,
    )
    house.server = _Server(config, house.context, options.grace_seconds)
    house.server.run(sockets=[listener])
    if house.fault is not None:
        raise house.fault


class _Server(uvicorn.Server):
    """Uvicorn's, but SIGTERM first turns ready to 503, and a clean end is no signal's death."""

    def __init__(self, config: uvicorn.Config, context: Context, grace_seconds: float) -> None:
        super().__init__(config)
        self._context = context
        self._grace_seconds = grace_seconds
        self._end_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the end; a second one does not wait for requests."""
        if self._end_at is not None:
            self.should_exit = self.force_exit = True
            return
        self._context.phase = Phase.DRAINING
        grace = self._grace_seconds if sig == signal.SIGTERM else 0.0
        self._end_at = time.monotonic() + grace

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether it is time to end."""
        if self._end_at is not None and time.monotonic() >= self._end_at:
            self.should_exit = True
        return await super().on_tick(counter)


class _House:
    """Everything that lives as long as the server."""

    def __init__(
        self, options: AppOptions, on_ready: Callable[[Sequence[ServedModel]], None]
    ) -> None:
        self._options = options
        self._on_ready = on_ready
        self.server: _Server | None = None
        self.fault: HaversackError | None = None
        uploads = options.state / "packs"
        self._pools = (
            ThreadPoolExecutor(usable_cpus(), thread_name_prefix="decoding"),
            ThreadPoolExecutor(_MODELS_AT_ONCE, thread_name_prefix="inferring"),
        )
        workers = Workers(decoding=self._pools[0], inferring=self._pools[1])
        open_model = partial(ServedModel, options=options.serve)
        catalogue = Catalogue(open_model, (uploads, *options.repositories))
        self.context = Context(
            plane=DataPlane(catalogue, workers, options.serve),
            options=options.serve,
            rules=options.rules,
            bodies=BodyStore(options.state / "waiting"),
            uploads=uploads,
        )

    def app(self) -> ASGIApp:
        """The whole as one ASGI application."""
        shelf = SampleShelf(self._options.samples)
        inner = Starlette(
            routes=[*data_routes(self.context), *page_routes(shelf)],
            exception_handlers=exception_handlers(),
            lifespan=self._life,
        )
        inner.router.redirect_slashes = False
        options = DoorOptions(rules=self._options.rules, log_requests=self._options.log_requests)
        return Door(inner, options)

    @contextlib.asynccontextmanager
    async def _life(self, app: Starlette) -> AsyncIterator[None]:
        """The port is open while packs load, so that probes are answered."""
        tasks = [asyncio.create_task(self._load()), asyncio.create_task(self._keep_trim())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for pool in self._pools:
                pool.shutdown(wait=True)

    async def _load(self) -> None:
        catalogue = self.context.plane.catalogue
        for path in (*self._options.packs, *self._options.wished):
            try:
                await asyncio.to_thread(catalogue.add, path, keep_others=True)
            except HaversackError as error:
                if path in self._options.packs:
                    self.fault = error
                    if self.server is not None:
                        self.server.should_exit = True
                    return
                _log.warning("%s is not served: %s", path, error.message)
        if self.context.phase is Phase.LOADING:
            self.context.phase = Phase.READY
            self._on_ready(catalogue.models())

    async def _keep_trim(self) -> None:
        """Give freed memory back to the system while there is work, and once after it."""
        served = 0
        while True:
            await asyncio.sleep(_TRIM_SECONDS)
            seats = self.context.plane.seats
            if seats.served != served or seats.taken:
                served = seats.served
                await asyncio.to_thread(trim)
