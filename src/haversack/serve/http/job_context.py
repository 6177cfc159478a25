"""What the routes of jobs have at hand; all of it in a process that has no packs, too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from starlette.requests import Request

from haversack.asgi.access import AccessRules, check_key
from haversack.asgi.bodies import Body, BodyLimit, BodyStore
from haversack.asgi.cookies import check_not_forged
from haversack.callers import Principal, Scope
from haversack.errors import HaversackError, Kind
from haversack.jobs.services import JobServices
from haversack.jobs.webhook_rules import WebhookRules
from haversack.packfile.manifest import Manifest
from haversack.serve.http.wishes import check_query

T = TypeVar("T")


class Phase(Enum):
    """What a server does: it loads its packs, answers, or finishes what is under way."""

    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"


@dataclass(kw_only=True)
class JobContext:
    """What routes of jobs have at hand.

    As it stands it is that of a process which knows no packs: every one is taken to be there, as
    whoever can write the database may say. A server's `Context` is stricter.

    Attributes:
        rules: who may ask.
        bodies: where they wait.
        jobs: where they are kept; None where a server takes none.
        webhooks: where jobs' ends may be told; None where they are told nobody.
        phase: loading, ready or draining.
    """

    rules: AccessRules
    bodies: BodyStore
    jobs: JobServices | None = None
    webhooks: WebhookRules | None = None
    phase: Phase = field(default=Phase.LOADING)

    @property
    def services(self) -> JobServices:
        """Where jobs are kept. Raises HaversackError `jobs-off`."""
        if self.jobs is None:
            raise HaversackError("jobs-off", "this server takes no jobs", kind=Kind.UNAVAILABLE)
        return self.jobs

    def allow(self, request: Request, scope: Scope) -> Principal:
        """Who asks; it is also in `request.scope["principal"]` from now on.

        Whoever may ask is then told what is wrong with the query.

        Raises:
            HaversackError: as `check_key`, `check_not_forged` and `check_query`; `database-away`
                where nobody can tell now.
        """
        known = request.scope.get("principal")
        if isinstance(known, HaversackError):
            raise known
        authorization = request.headers.get("authorization", "")
        principal = check_key(self.rules, authorization, scope, known)
        check_not_forged(principal, request.method, request.headers)
        request.scope["principal"] = principal
        check_query(request)
        return principal

    def check_open(self) -> None:
        """Refuse inference while packs are loaded. Raises HaversackError `not-ready`."""
        if self.phase is Phase.LOADING:
            raise HaversackError(
                "not-ready",
                "the server is loading its packs",
                hint="Try again in a second; GET /v2/health/ready says when.",
                kind=Kind.UNAVAILABLE,
            )

    def offered(self, request: Request) -> Manifest | None:
        """Of the pack in the path; None where nobody can tell. It need not be in memory now.

        Raises:
            HaversackError: `pack-not-loaded` where it is not on offer.
        """
        return None

    def check_photo(self, size_bytes: int) -> None:
        """Refuse a body without a photo; one that is empty fails where it is looked at, too.

        Raises:
            HaversackError: `image-empty`.
        """

    @asynccontextmanager
    async def seated(self, receiving: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
        """What `receiving` gives, for the length of a block, and a seat where there are seats."""
        self.check_open()
        async with receiving as received:
            yield received

    @asynccontextmanager
    async def body(self, request: Request, scope: Scope = Scope.INFER) -> AsyncIterator[Body]:
        """A seat and the request's body for the length of a block, for a route that infers."""
        self.allow(request, scope)
        async with self.seated(self.bodies.receive(request, self.body_limit)) as body:
            yield body

    @property
    def body_limit(self) -> BodyLimit:
        """Of one body: here as much as photos of jobs may hold together."""
        return BodyLimit(limit_bytes=self.services.intake.limits.input_bytes)
