"""What every route of a server has at hand, and how a request is taken in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from starlette.requests import Request

from haversack.accounts.sign_in import SignIn
from haversack.asgi.bodies import BodyLimit
from haversack.errors import HaversackError, Kind
from haversack.packfile.manifest import Manifest
from haversack.serve.http.job_context import JobContext
from haversack.serve.options import ServeOptions
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.visits import Target

T = TypeVar("T")


@dataclass(kw_only=True)
class Context(JobContext):
    """What every route has at hand.

    Attributes:
        plane: answers.
        options: the limits.
        uploads: the repository that packs sent over HTTP go to.
        sign_in: for people; None where a server has no accounts.
    """

    plane: DataPlane
    options: ServeOptions
    uploads: Path
    sign_in: SignIn | None = None

    def offered(self, request: Request) -> Manifest:
        """See `JobContext.offered`."""
        name, version = request.path_params["name"], request.path_params.get("version")
        offered = self.plane.catalogue.offers.find(name, version)
        if offered is None:
            raise HaversackError(
                "pack-not-loaded",
                f"no version {version} of {name[:80]!r} is served here"
                if version
                else f"there is no pack {name[:80]!r} here",
                hint="GET /packs lists what is served.",
                kind=Kind.NOT_FOUND,
            )
        return offered.manifest

    def check_photo(self, size_bytes: int) -> None:
        """See `JobContext.check_photo`."""
        if not size_bytes:
            raise HaversackError("image-empty", "the request's body holds no photo")

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
