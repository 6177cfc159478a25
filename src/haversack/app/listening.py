"""A server on its socket, or a worker without one, until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from types import FrameType

import uvicorn

from haversack.app.ending import Ending
from haversack.app.lifecycle import Lifecycle, OnReady
from haversack.app.options import AppOptions
from haversack.app.wiring import ServerParts, application, wire
from haversack.asgi.protocol import connections
from haversack.engine.allocator import settle
from haversack.serve.http.context import Context
from haversack.serve.http.job_context import Phase

_KEEP_ALIVE_SECONDS = 75  # longer than the 60 s after which load balancers close idle connections
_CHECK_SECONDS = 0.2


def run(options: AppOptions, listener: socket.socket, on_ready: OnReady) -> None:
    """Serve until SIGTERM, SIGHUP or Ctrl-C, then answer what is under way, and return.

    A second SIGTERM or Ctrl-C ends the process on the spot; so it does in `work`.

    Raises:
        HaversackError: a pack of `options.packs` cannot be loaded; `memory-too-small`; those of
            `open_services`.
    """
    settle()
    parts = wire(options, has_door=True)
    lifecycle = Lifecycle(parts, on_ready)
    _narrow(listener, parts)
    config = uvicorn.Config(
        application(parts, lifecycle.life),
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
    server = _UvicornServer(config, parts.context, options.grace_seconds)
    lifecycle.on_fault = server.end
    if _heeds_hangup():
        signal.signal(signal.SIGHUP, server.handle_exit)
    server.run(sockets=[listener])
    if lifecycle.fault is not None:
        raise lifecycle.fault


def work(options: AppOptions, on_ready: OnReady) -> None:
    """Do jobs until SIGTERM, SIGHUP or Ctrl-C: the same server, without connections.

    Raises:
        HaversackError: as `run`.
    """
    settle()
    parts = wire(options, has_door=False)
    lifecycle = Lifecycle(parts, on_ready)
    asyncio.run(_live(lifecycle, parts.context))
    if lifecycle.fault is not None:
        raise lifecycle.fault


async def _live(lifecycle: Lifecycle, context: Context) -> None:
    """Until a signal, or until a pack that must be there cannot be loaded."""
    ended = asyncio.Event()
    hangup = (signal.SIGHUP,) if _heeds_hangup() else ()
    loop = asyncio.get_running_loop()
    ending = Ending(lambda _: loop.call_soon_threadsafe(ended.set))
    with ending.heeding((signal.SIGTERM, signal.SIGINT, *hangup)):
        async with lifecycle.life():
            while lifecycle.fault is None and not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), _CHECK_SECONDS)
            context.phase = Phase.DRAINING


class _UvicornServer(uvicorn.Server):
    """Uvicorn's, but SIGTERM first turns ready to 503, and a clean end is no signal's death."""

    def __init__(self, config: uvicorn.Config, context: Context, grace_seconds: float) -> None:
        super().__init__(config)
        self._context = context
        self._grace_seconds = grace_seconds
        self._end_at: float | None = None
        self._ending = Ending(self._begin_to_end)

    def end(self) -> None:
        """Now, on whatever thread this is called."""
        self.should_exit = True

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


def _narrow(listener: socket.socket, parts: ServerParts) -> None:
    """Where memory is small, let the system hold less of what arrives on a connection."""
    size = parts.start.plan.read_bytes(parts.context.options.queue)
    if size is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


def _heeds_hangup() -> bool:
    """A closed terminal ends the process in good order, unless `nohup` said to go on."""
    return signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
