"""Probes, under every name that orchestrators use. They allocate next to nothing."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from haversack.asgi.errors import json_response
from haversack.serve.http.context import Context
from haversack.serve.http.job_context import Phase


class HealthRoutes:
    """Alive, and ready."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def live(self, request: Request) -> Response:
        """GET /v2/health/live, /healthz, /livez: the process answers."""
        return json_response({"live": True})

    async def ready(self, request: Request) -> Response:
        """GET /v2/health/ready, /readyz: 503 while packs are loaded, and when it is to end."""
        is_ready = self._context.phase is Phase.READY
        if is_ready:
            return json_response({"ready": True})
        phase = self._context.phase.value
        return json_response({"ready": False, "phase": phase}, status=503)
