"""Jobs in the database itself: a server's routes in this process, without the server."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, cast
from urllib.parse import unquote

from starlette.types import ASGIApp

from haversack.app.own_jobs import own_jobs
from haversack.cli.jobs_asking import AskedRequest
from haversack.jobs.job import job_not_found
from haversack.jobs.services import JobServices

_PIECES = 4


class OwnAnswerer:
    """See `jobs_asking.Answerer`. Errors are the routes' own."""

    def __init__(self, services: JobServices) -> None:
        self._services = services
        # Large photos go through the system's own place: the state folder may be another user's.
        self._application = own_jobs(services, Path(tempfile.gettempdir()))
        self._runner = asyncio.Runner()

    @contextmanager
    def answer(self, asked: AskedRequest) -> Iterator[IO[bytes]]:
        """See `Answerer.answer`."""
        answer = OwnAnswer(self._runner)
        self._runner.run(answer.begin(self._application, asked))
        try:
            yield cast(BinaryIO, answer)
        finally:
            self._runner.run(answer.break_off())

    def close(self) -> None:
        """The database is closed when every thread has ended."""
        self._runner.close()
        self._services.store.close()


class OwnAnswer(io.RawIOBase):
    """A body that the route makes as it is read: the event loop stands still between, so that at
    most `_PIECES` pieces of it are in memory, and none on a disk.
    """

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue(_PIECES)
        self._piece = memoryview(b"")
        self._route: asyncio.Task[None] | None = None

    async def begin(self, application: ASGIApp, asked: AskedRequest) -> None:
        """Until its first bytes. Raises HaversackError as the route does."""
        self._route = asyncio.create_task(self._run(application, asked))
        self._piece = await self._next()

    async def _run(self, application: ASGIApp, asked: AskedRequest) -> None:
        async def send(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                # Routes raise their errors: there is no such route, and so no such job.
                raise job_not_found(asked.path)
            if message.get("body"):
                await self._pieces.put(message["body"])

        await application(_scope(asked), _receiving(asked), send)

    async def _next(self) -> memoryview:
        """The next piece, empty at the end."""
        assert self._route is not None
        if self._pieces.empty() and not self._route.done():
            piece = asyncio.create_task(self._pieces.get())
            await asyncio.wait({piece, self._route}, return_when=asyncio.FIRST_COMPLETED)
            if piece.done():
                return memoryview(piece.result())
            piece.cancel()
        if not self._pieces.empty():
            return memoryview(self._pieces.get_nowait())
        await self._route  # as it ended
        return memoryview(b"")

    async def break_off(self) -> None:
        """Nobody reads on."""
        assert self._route is not None
        self._route.cancel()
        await asyncio.gather(self._route, return_exceptions=True)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Some of it; 0 bytes at the end."""
        if not self._piece:
            self._piece = self._runner.run(self._next())
        count = min(len(buffer), len(self._piece))
        buffer[:count], self._piece = self._piece[:count], self._piece[count:]
        return count


def _scope(asked: AskedRequest) -> dict[str, Any]:
    """Source: the ASGI specification, HTTP connection scope."""
    path, _, query = asked.path.partition("?")
    headers = dict(asked.headers)
    if asked.body is not None:
        headers["Content-Length"] = str(asked.body.size_bytes)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()
        ],
        "client": None,
        "server": None,
    }


def _receiving(asked: AskedRequest) -> Callable[[], Any]:
    pieces = iter(asked.body or ())
    is_whole = False

    async def receive() -> dict[str, Any]:
        nonlocal is_whole
        if is_whole:  # nobody leaves
            await asyncio.Event().wait()
        piece = next(pieces, None)
        is_whole = piece is None
        return {"type": "http.request", "body": piece or b"", "more_body": not is_whole}

    return receive
