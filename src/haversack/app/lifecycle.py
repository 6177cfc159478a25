"""The composition root: from settings to a server that runs until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from haversack.accounts.sign_in import open_sign_in
from haversack.app.ending import Ending
from haversack.app.job_workers import JobWorkers
from haversack.app.kinds import ENTRIES, KindEntry, kinds_of
from haversack.app.standing import going_on, watched_threads
from haversack.asgi.access import AccessRules
from haversack.asgi.bodies import BodyStore
from haversack.asgi.body_rates import BodyRateLimits, Incoming
from haversack.asgi.door import Door, DoorOptions
from haversack.asgi.errors import exception_handlers
from haversack.asgi.preload import preload
from haversack.asgi.protocol import connections
from haversack.engine.allocator import settle, trim
from haversack.engine.cpus import usable_cpus
from haversack.errors import HaversackError, Kind
from haversack.jobs.intake import IntakeLimits
from haversack.jobs.limits import JobLimits, write_limits
from haversack.jobs.notifier import Notifier
from haversack.jobs.services import JobLocations, JobServices, open_services
from haversack.jobs.webhook_rules import WebhookRules
from haversack.jobs.worker import Worker
from haversack.log import first_line
from haversack.serve.http.context import Context
from haversack.serve.http.contract.table import operations
from haversack.serve.http.job_context import Phase
from haversack.serve.http.routes import routes as data_routes
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.loaded import LoadPolicy
from haversack.serve.models.memory_plan import MemoryPlan
from haversack.serve.models.model import ServedModel
from haversack.serve.models.residency import Residency
from haversack.serve.models.sharing import Collector, Publisher
from haversack.serve.models.start import check_loaded, prepare
from haversack.serve.options import ServeOptions
from haversack.serve.plane.dataplane import DataPlane, Workers
from haversack.survey.run.sources import SUFFIXES
from haversack.web.page import routes as page_routes
from haversack.web.samples import SampleShelf

_log = logging.getLogger("haversack.app")
_KEEP_ALIVE_SECONDS = 75  # longer than the 60 s after which load balancers close idle connections
_TRIM_SECONDS = 1.0
_MODELS_AT_ONCE = 8
_WRITERS = 4
_BODIES_BY_QUEUE = 4
_CHECK_SECONDS = 0.2
_COPIES = "copies"
_SHARE_SECONDS = 2.0
_THREADS = ("job-worker", "job-keeper", "job-tidier", "webhooks")


@dataclass(frozen=True, kw_only=True)
class AppOptions:
    """What a server is made of.

    Attributes:
        packs: loaded at the start; each must open.
        wished: loaded too, but one that does not open is only warned of.
        repositories: where more packs may be loaded from.
        state: folder for what is sent and what waits.
        rules: who may ask.
        accounts: URL of the database in whose accounts callers are looked up; None for nowhere.
        serve: the limits.
        cache: folder with this machine's profiles of packs; None for none.
        jobs: where they are kept; None for `state`.
        kinds: of jobs, with what does them.
        limits: how many may wait, and how long what belongs to them is kept; a worker has its
            server's.
        webhooks: where jobs' ends may be told; None for nowhere.
        samples: folder of photos that the page offers; None to draw some.
        log_requests: one line each.
        grace_seconds: from the signal to end until the port closes; ready says 503 meanwhile.
    """

    state: Path
    packs: tuple[Path, ...] = ()
    wished: tuple[Path, ...] = ()
    repositories: tuple[Path, ...] = ()
    rules: AccessRules = field(default_factory=AccessRules)
    accounts: str | None = None
    serve: ServeOptions = field(default_factory=ServeOptions)
    cache: Path | None = None
    jobs: JobLocations | None = None
    kinds: tuple[KindEntry, ...] = ENTRIES
    limits: JobLimits = field(default_factory=JobLimits)
    webhooks: WebhookRules | None = None
    samples: Path | None = None
    log_requests: bool = False
    grace_seconds: float = 0.0


def run(
    options: AppOptions, listener: socket.socket, on_ready: Callable[[Sequence[ServedModel]], None]
) -> None:
    """Serve until SIGTERM, SIGHUP or Ctrl-C, then answer what is under way, and return.

    A second SIGTERM or Ctrl-C ends the process on the spot; so it does in `work`.

    Args:
        on_ready: called once, with what is loaded, when the first request can be answered.

    Raises:
        HaversackError: a pack of `options.packs` cannot be loaded; `memory-too-small`; those of
            `open_services`.
    """
    settle()
    server = Server(options, on_ready)
    server.narrow(listener)
    config = uvicorn.Config(
        server.app(),
        http=connections(),
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
    server.uvicorn_server = _UvicornServer(config, server.context, options.grace_seconds)
    if _heeds_hangup():
        signal.signal(signal.SIGHUP, server.uvicorn_server.handle_exit)
    server.uvicorn_server.run(sockets=[listener])
    if server.fault is not None:
        raise server.fault


def work(options: AppOptions, on_ready: Callable[[Sequence[ServedModel]], None]) -> None:
    """Do jobs until SIGTERM, SIGHUP or Ctrl-C: the same server, without connections.

    Raises:
        HaversackError: as `run`.
    """
    settle()
    server = Server(options, on_ready, has_door=False)
    asyncio.run(server.work())
    if server.fault is not None:
        raise server.fault


class _UvicornServer(uvicorn.Server):
    """Uvicorn's, but SIGTERM first turns ready to 503, and a clean end is no signal's death."""

    def __init__(self, config: uvicorn.Config, context: Context, grace_seconds: float) -> None:
        super().__init__(config)
        self._context = context
        self._grace_seconds = grace_seconds
        self._end_at: float | None = None
        self._ending = Ending(self._begin_to_end)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the end; a second one waits for nothing."""
        self._ending.note(sig, frame)

    def _begin_to_end(self, sig: int) -> None:
        self._context.phase = Phase.DRAINING
        grace = self._grace_seconds if sig != signal.SIGINT else 0.0
        self._end_at = time.monotonic() + grace

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether it is time to end."""
        if self._end_at is not None and time.monotonic() >= self._end_at:
            self.should_exit = True
        return await super().on_tick(counter)


class Server:
    """Everything that lives as long as the server."""

    def __init__(
        self,
        options: AppOptions,
        on_ready: Callable[[Sequence[ServedModel]], None],
        *,
        has_door: bool = True,
    ) -> None:
        self._options = options
        self._on_ready = on_ready
        self._has_door = has_door
        self.uvicorn_server: _UvicornServer | None = None
        self.fault: Exception | None = None
        uploads = options.state / "packs"
        self._pools = (
            ThreadPoolExecutor(usable_cpus(), thread_name_prefix="decoding"),
            ThreadPoolExecutor(_MODELS_AT_ONCE, thread_name_prefix="inferring"),
            ThreadPoolExecutor(_WRITERS, thread_name_prefix="spooling"),
        )
        workers = Workers(decoding=self._pools[0], inferring=self._pools[1])
        self._start = prepare(options.packs, options.serve, options.cache, has_door=has_door)
        limits, plan = self._start.options, self._start.plan
        policy = LoadPolicy(
            plan=plan,
            residency=Residency(plan.packs_bytes, limits.turns),
            sizes=self._start.sizes,
            drain_seconds=limits.wait_seconds,
            activity=lambda: self.context.plane.activity,
        )
        sign_in = open_sign_in(options.accounts) if options.accounts else None
        open_model = partial(ServedModel, options=limits)
        catalogue = Catalogue(open_model, (uploads, *options.repositories), policy)
        self.context = Context(
            plane=DataPlane(catalogue, workers, limits),
            options=limits,
            rules=replace(options.rules, register=sign_in.register if sign_in else None),
            sign_in=sign_in,
            bodies=self._bodies(limits, plan),
            uploads=uploads,
            jobs=_open_jobs(options, has_door=has_door),
            webhooks=options.webhooks,
        )

    def _bodies(self, limits: ServeOptions, plan: MemoryPlan) -> BodyStore:
        """Files may take what as many bodies as may be answered at once would, and one pack."""
        at_once = _BODIES_BY_QUEUE * limits.queue
        rates = BodyRateLimits(at_once=at_once, slow_at_once=at_once)
        return BodyStore(
            self._options.state / "waiting",
            plan.bodies_bytes,
            disk_bytes=limits.queue * limits.body_limit_bytes + limits.pack_limit_bytes,
            incoming=Incoming(rates, trust_proxy=self._options.rules.trust_proxy),
            writers=self._pools[2],
        )

    def narrow(self, listener: socket.socket) -> None:
        """Where memory is small, let the system hold less of what arrives on a connection."""
        size = self._start.plan.read_bytes(self.context.options.queue)
        if size is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)

    def app(self) -> ASGIApp:
        """The whole as one ASGI application."""
        pages = page_routes(SampleShelf(self._options.samples), self.context.plane.reserved)
        inner = Starlette(
            routes=[*data_routes(self.context), *pages],
            exception_handlers=exception_handlers(),
            lifespan=self._life,
        )
        inner.router.redirect_slashes = False
        options = DoorOptions(
            rules=self.context.rules,
            log_requests=self._options.log_requests,
            probed=frozenset(
                one.path for one in operations(kinds_of(self._options.kinds)) if one.tag == "health"
            ),
        )
        return Door(inner, options)

    async def work(self) -> None:
        """Live until a signal, or until a pack that must be there cannot be loaded."""
        ended = asyncio.Event()
        hangup = (signal.SIGHUP,) if _heeds_hangup() else ()
        loop = asyncio.get_running_loop()
        ending = Ending(lambda _: loop.call_soon_threadsafe(ended.set))
        with ending.heeding((signal.SIGTERM, signal.SIGINT, *hangup)):
            async with self._life(None):
                while self.fault is None and not ended.is_set():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(ended.wait(), _CHECK_SECONDS)
                self.context.phase = Phase.DRAINING

    @contextlib.asynccontextmanager
    async def _life(self, app: Starlette | None) -> AsyncIterator[None]:
        """The port is open while packs load, so that probes are answered."""
        services = self.context.jobs
        assert services is not None
        jobs = JobWorkers(
            services=services,
            plane=self.context.plane,
            state=self._options.state,
            entries=self._options.kinds,
        )
        workers = jobs.made(asyncio.get_running_loop())
        works = [self._load(workers), going_on("giving memory back", self._keep_trim)]
        update = self._sharing(services)
        if update is not None:
            works.append(going_on("sharing packs", partial(self._share, update)))
        tasks = [asyncio.create_task(one) for one in works]
        rules = self._options.webhooks
        notifier = Notifier(services, rules) if rules is not None else None
        if notifier is not None:
            notifier.start()
        try:
            with watched_threads(_THREADS, self._thread_died):
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in workers))
            if notifier is not None:
                await asyncio.to_thread(notifier.stop)
            services.store.close()
            if self.context.sign_in is not None:
                self.context.sign_in.close()
            for pool in self._pools:
                pool.shutdown(wait=True)

    async def _load(self, workers: Sequence[Worker]) -> None:
        """Whatever goes wrong ends the server: it would be "loading" for ever."""
        try:
            await self._bring_up(workers)
        except Exception as fault:
            self._end(fault)

    def _thread_died(self, name: str) -> None:
        """Jobs would wait for ever: who started the server starts it again."""
        self._end(
            HaversackError(
                "server-fault",
                f"the thread {name} died, so the server ended",
                hint="The log says of what. Start it again: jobs go on where they were.",
                kind=Kind.INTERNAL,
            )
        )

    def _end(self, fault: Exception) -> None:
        """End the server; the first fault is the one that is told."""
        self.fault = self.fault or fault
        if self.uvicorn_server is not None:
            self.uvicorn_server.should_exit = True

    async def _bring_up(self, workers: Sequence[Worker]) -> None:
        catalogue = self.context.plane.catalogue
        await asyncio.to_thread(self._load_named, catalogue)
        for path in self._options.wished:
            try:
                await asyncio.to_thread(catalogue.offer, path)
            except (HaversackError, OSError) as error:
                _log.warning("%s is not served: %s", path, first_line(error))
        if self._has_door:
            await asyncio.to_thread(_preload)
        if self.context.phase is Phase.LOADING:
            self.context.phase = Phase.READY
            for worker in workers:
                worker.start()
            self._on_ready(catalogue.models())

    def _load_named(self, catalogue: Catalogue) -> None:
        """Packs that stay in memory; errors as `Catalogue.add` and `check_loaded`."""
        for path in self._options.packs:
            catalogue.add(self._start.opened.get(path, path), keep_others=True, pin=True)
        check_loaded(self._start, catalogue)

    def _sharing(self, services: JobServices) -> Callable[[], None] | None:
        """How packs go from a server to workers elsewhere; None where there can be none."""
        jobs, catalogue = self._options.jobs, self.context.plane.catalogue
        if jobs is None or not jobs.is_shared:
            return None
        if self._has_door:
            return Publisher(catalogue, services.packs).update
        return Collector(catalogue, services.packs, self._options.state / _COPIES).update

    async def _share(self, update: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(_SHARE_SECONDS)
            if self.context.phase is Phase.READY:
                try:
                    await asyncio.to_thread(update)
                except HaversackError as error:
                    _log.debug("packs are not shared now: %s", error.message)

    async def _keep_trim(self) -> None:
        """Give freed memory back to the system while there is work, and once after it."""
        visits = 0
        while True:
            await asyncio.sleep(_TRIM_SECONDS)
            plane = self.context.plane
            if plane.visits != visits or plane.seats.taken or plane.memory.used:
                visits = plane.visits
                await asyncio.to_thread(trim)


def _preload() -> None:
    """As `preload`; a system whose table of media types cannot be read is served all the same."""
    try:
        preload()
    except Exception:
        _log.exception("what answers load at their first use could not be loaded beforehand")


def _heeds_hangup() -> bool:
    """A closed terminal ends the process in good order, unless `nohup` said to go on."""
    return signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN


def _open_jobs(options: AppOptions, *, has_door: bool) -> JobServices:
    """Where jobs are kept; what a server was told of limits holds for its workers too."""
    limits = options.limits
    intake = IntakeLimits(queued=limits.queued, input_bytes=limits.input_bytes, suffixes=SUFFIXES)
    locations = options.jobs or JobLocations(state=options.state)
    services = open_services(locations, intake, kinds=kinds_of(options.kinds))
    if has_door:
        write_limits(services.store, limits)
    return services
