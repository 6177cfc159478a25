"""From options to objects: everything a server is made of. No task or thread is begun here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.types import ASGIApp, StatelessLifespan

from haversack.accounts.sign_in import open_sign_in
from haversack.app.job_workers import JobWorkers
from haversack.app.kinds import kinds_of
from haversack.app.options import AppOptions
from haversack.asgi.bodies import BodyStore
from haversack.asgi.body_rates import BodyRateLimits, Incoming
from haversack.asgi.door import Door, DoorOptions
from haversack.asgi.errors import exception_handlers
from haversack.engine.cpus import usable_cpus
from haversack.jobs.intake import IntakeLimits
from haversack.jobs.limits import write_limits
from haversack.jobs.notifier import Notifier
from haversack.jobs.services import JobLocations, JobServices, open_services
from haversack.jobs.worker import Worker
from haversack.serve.http.context import Context
from haversack.serve.http.contract.table import operations
from haversack.serve.http.routes import routes as data_routes
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.loaded import LoadPolicy
from haversack.serve.models.memory_plan import MemoryPlan
from haversack.serve.models.model import ServedModel
from haversack.serve.models.residency import Residency
from haversack.serve.models.sharing import Collector, Publisher
from haversack.serve.models.start import Start, prepare
from haversack.serve.options import ServeOptions
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.visits import Workers
from haversack.survey.run.suffixes import SUFFIXES
from haversack.web.page import routes as page_routes
from haversack.web.samples import SampleShelf

_MODELS_AT_ONCE = 8
_WRITERS = 4
_BODIES_BY_QUEUE = 4
_COPIES = "copies"


@dataclass(frozen=True, kw_only=True)
class ServerParts:
    """Everything that lives as long as a server.

    Attributes:
        options: as they were given.
        has_door: whether requests come in; a worker has none.
        start: its packs, and how memory is divided.
        context: what every route has at hand.
        jobs: where they are kept.
        pools: threads for decoding, inferring and spooling.
        notifier: tells of jobs' ends; None where nobody is told.
    """

    options: AppOptions
    has_door: bool
    start: Start
    context: Context
    jobs: JobServices
    pools: tuple[ThreadPoolExecutor, ...]
    notifier: Notifier | None

    @property
    def plane(self) -> DataPlane:
        """Answers."""
        return self.context.plane


def wire(options: AppOptions, *, has_door: bool) -> ServerParts:
    """A server that does not run yet. Its packs were looked at, and its databases are open.

    Raises:
        HaversackError: `memory-too-small`; those of `open_sign_in` and `open_services`.
    """
    pools = (
        ThreadPoolExecutor(usable_cpus(), thread_name_prefix="decoding"),
        ThreadPoolExecutor(_MODELS_AT_ONCE, thread_name_prefix="inferring"),
        ThreadPoolExecutor(_WRITERS, thread_name_prefix="spooling"),
    )
    start = prepare(options.packs, options.serve, options.cache, has_door=has_door)
    sign_in = open_sign_in(options.accounts) if options.accounts else None
    plane = _plane(options, start, Workers(decoding=pools[0], inferring=pools[1]))
    bodies = _bodies(options, start.options, start.plan, pools[2])
    services = _open_jobs(options, has_door=has_door)
    context = Context(
        plane=plane,
        options=start.options,
        rules=replace(options.rules, register=sign_in.register if sign_in else None),
        sign_in=sign_in,
        bodies=bodies,
        uploads=_uploads(options),
        jobs=services,
        webhooks=options.webhooks,
    )
    return ServerParts(
        options=options,
        has_door=has_door,
        start=start,
        context=context,
        jobs=services,
        pools=pools,
        notifier=Notifier(services, options.webhooks) if options.webhooks is not None else None,
    )


def application(parts: ServerParts, lifespan: StatelessLifespan[Starlette]) -> ASGIApp:
    """The whole as one ASGI application."""
    pages = page_routes(SampleShelf(parts.options.samples), parts.plane.reserved)
    inner = Starlette(
        routes=[*data_routes(parts.context), *pages],
        exception_handlers=exception_handlers(),
        lifespan=lifespan,
    )
    inner.router.redirect_slashes = False
    options = DoorOptions(
        rules=parts.context.rules,
        log_requests=parts.options.log_requests,
        probed=frozenset(one.path for one in operations(parts.jobs.kinds) if one.tag == "health"),
    )
    return Door(inner, options)


def job_workers(parts: ServerParts, loop: asyncio.AbstractEventLoop) -> list[Worker]:
    """One a lane of the kinds."""
    workers = JobWorkers(
        services=parts.jobs,
        plane=parts.plane,
        state=parts.options.state,
        entries=parts.options.kinds,
    )
    return workers.made(loop)


def sharing(parts: ServerParts) -> Callable[[], None] | None:
    """How packs go from a server to workers elsewhere; None where there can be none."""
    jobs, catalogue, packs = parts.options.jobs, parts.plane.catalogue, parts.jobs.packs
    if jobs is None or not jobs.is_shared:
        return None
    if parts.has_door:
        return Publisher(catalogue, packs).update
    return Collector(catalogue, packs, parts.options.state / _COPIES).update


def _plane(options: AppOptions, start: Start, workers: Workers) -> DataPlane:
    limits = start.options
    policy = LoadPolicy(
        plan=start.plan,
        residency=Residency(start.plan.packs_bytes, limits.turns, start.devices),
        sizes=start.sizes,
        drain_seconds=limits.wait_seconds,
        activity=lambda: plane.activity,
    )
    open_model = partial(ServedModel, options=limits)
    catalogue = Catalogue(open_model, (_uploads(options), *options.repositories), policy)
    plane = DataPlane(catalogue, workers, limits)
    return plane


def _uploads(options: AppOptions) -> Path:
    return options.state / "packs"


def _bodies(
    options: AppOptions, limits: ServeOptions, plan: MemoryPlan, writers: ThreadPoolExecutor
) -> BodyStore:
    """Files may take what as many bodies as may be answered at once would, and one pack."""
    at_once = _BODIES_BY_QUEUE * limits.queue
    rates = BodyRateLimits(at_once=at_once, slow_at_once=at_once)
    return BodyStore(
        options.state / "waiting",
        plan.bodies_bytes,
        disk_bytes=limits.queue * limits.body_limit_bytes + limits.pack_limit_bytes,
        incoming=Incoming(rates, trust_proxy=options.rules.trust_proxy),
        writers=writers,
    )


def _open_jobs(options: AppOptions, *, has_door: bool) -> JobServices:
    """Where jobs are kept; what a server was told of limits holds for its workers too."""
    limits = options.limits
    intake = IntakeLimits(queued=limits.queued, input_bytes=limits.input_bytes, suffixes=SUFFIXES)
    locations = options.jobs or JobLocations(state=options.state)
    services = open_services(locations, intake, kinds=kinds_of(options.kinds))
    if has_door:
        write_limits(services.store, limits)
    return services
