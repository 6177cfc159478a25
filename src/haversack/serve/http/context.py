"""What every route of a server has at hand, and how a request is taken in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TypeVar

from starlette.requests import Request

from haversack.accounts.sign_in import SignIn
from haversack.asgi.access import AccessRules, check_key
from haversack.asgi.bodies import Body, BodyLimit, BodyStore
from haversack.asgi.cookies import check_not_forged
from haversack.callers import Principal, Scope
from haversack.errors import HaversackError, Kind
from haversack.jobs.services import JobServices
from haversack.jobs.webhook_rules import WebhookRules
from haversack.serve.http.wishes import check_query
from haversack.serve.options import ServeOptions
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.visits import Target

T = TypeVar("T")


class Phase(Enum):
    """What a server does: it loads its packs, answers, or finishes what is under way."""

    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"


@dataclass(kw_only=True)
class Context:
    """What every route has at hand.

    Attributes:
        plane: answers.
        options: the limits.
        rules: who may ask.
        bodies: where they wait.
        uploads: the repository that packs sent over HTTP go to.
        jobs: where they are kept; None where a server takes none.
        webhooks: where jobs' ends may be told; None where they are told nobody.
        sign_in: for people; None where a server has no accounts.
        phase: loading, ready or draining.
    """

    plane: DataPlane
    options: ServeOptions
    rules: AccessRules
    bodies: BodyStore
    uploads: Path
    jobs: JobServices | None = None
    webhooks: WebhookRules | None = None
    sign_in: SignIn | None = None
    phase: Phase = field(default=Phase.LOADING)

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

    @asynccontextmanager
    async def body(self, request: Request, scope: Scope = Scope.INFER) -> AsyncIterator[Body]:
        """A seat and the request's body for the length of a block, for a route that infers."""
        self.allow(request, scope)
        async with self.seated(self.bodies.receive(request, self.body_limit)) as body:
            yield body

    @asynccontextmanager
    async def seated(self, receiving: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
        """A seat and what `receiving` gives, for the length of a block.

        The seat is taken when all has come: who sends slowly keeps nobody out.
        """
        self.check_open()
        self.plane.seats.check_free()
        async with receiving as received:
            with self.plane.seats.seat():
                yield received

    @property
    def body_limit(self) -> BodyLimit:
        """Of a request that infers."""
        return BodyLimit(limit_bytes=self.options.body_limit_bytes)


def target_of(request: Request) -> Target:
    """The model and version in a route's path."""
    return Target(
        name=request.path_params["name"],
        version=request.path_params.get("version"),
        is_gone=request.is_disconnected,
    )
