"""Jobs in the database itself: a server's routes in this process, without the server."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

from haversack.app.own_jobs import own_jobs
from haversack.cli.jobs_asking import AskedRequest
from haversack.jobs.job import job_not_found
from haversack.jobs.services import JobServices

_IN_MEMORY_BYTES = 1 << 20


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
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as file:
            self._runner.run(self._answer(asked, file.write))
            file.seek(0)
            yield file

    async def _answer(self, asked: AskedRequest, write: Callable[[bytes], object]) -> None:
        async def send(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                # Routes raise their errors: there is no such route, and so no such job.
                raise job_not_found(asked.path)
            write(message.get("body", b""))

        await self._application(_scope(asked), _receiving(asked), send)

    def close(self) -> None:
        """The database is closed when every thread has ended."""
        self._runner.close()
        self._services.store.close()


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
