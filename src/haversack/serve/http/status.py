"""GET /status: memory, queue and packs in one small JSON, as the page's panel needs it."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from haversack.asgi.errors import json_response
from haversack.callers import Scope
from haversack.engine.limits import resident_bytes
from haversack.errors import HaversackError
from haversack.packfile.manifest import Manifest
from haversack.serve.http.context import Context
from haversack.serve.models.gate import Gate
from haversack.serve.models.loaded import key_of
from haversack.serve.models.model import ServedModel


class StatusRoutes:
    """The endpoint of the status panel."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def status(self, request: Request) -> Response:
        """GET /status."""
        self._context.allow(request, Scope.INFER)
        return json_response({**described(self._context), "jobs": await self._jobs()})

    async def _jobs(self) -> dict[str, int] | None:
        """How much is kept for jobs; None where the database is away."""
        if self._context.jobs is None:
            return None
        try:
            usage = await asyncio.to_thread(self._context.jobs.store.usage)
        except HaversackError:
            return None
        return {"queued": usage.queued, "photo_bytes": usage.input_bytes}


def described(context: Context) -> dict[str, Any]:
    """What a server says of itself, as of now."""
    plane = context.plane
    loaded_models = plane.catalogue.loaded_models
    return {
        "phase": context.phase.value,
        "memory": _memory(context),
        "queue": {
            "in_house": plane.seats.taken,
            "limit": context.options.queue,
            "served": plane.seats.served,
            "refused": plane.seats.refused,
            "waiting_for_memory": plane.memory.waiting + plane.json.waiting,
            "seconds_each": round(plane.seats.seconds_each, 4),
        },
        "models": [
            *(
                _loaded(model, pinned=key_of(model) in loaded_models.pinned)
                for model in _models(context)
            ),
            *(_unloaded(files.manifest) for files in plane.catalogue.waiting()),
        ],
        "swaps": {
            "count": loaded_models.counts.swaps,
            "evictions": loaded_models.counts.evictions,
            "last_seconds": round(loaded_models.counts.last_swap_seconds, 4),
        },
    }


def _memory(context: Context) -> dict[str, Any]:
    plane = context.plane
    policy = plane.catalogue.loaded_models.policy
    plan, packs = policy.plan, policy.residency
    return {
        "budget_bytes": plan.whole_bytes if plan is not None else None,
        "said_by": plan.said_by if plan is not None else None,
        "resident_bytes": resident_bytes(),
        "in_use_bytes": (plan.floor_bytes if plan is not None else 0)
        + packs.sessions_bytes
        + plane.memory.used
        + plane.json.used
        + plane.workspace.used,
        "photos": _share(plane.memory),
        "json": _share(plane.json),
        "calls": _share(plane.workspace),
        "sessions_bytes": packs.sessions_bytes,
        "parts": [
            {"name": line.name, "bytes": line.size_bytes}
            for line in (plan.lines() if plan is not None else ())
        ],
        "devices": [
            {
                "name": part.device,
                "budget_bytes": part.packs_bytes,
                "sessions_bytes": part.sessions_bytes,
                "calls": _share(plane.devices[part.device]),
            }
            for part in packs.devices
        ],
    }


def _share(gate: Gate) -> dict[str, int]:
    return {
        "limit_bytes": gate.limit,
        "in_use_bytes": gate.used,
        "most_bytes": gate.budget.most_bytes,
        "waiting": gate.waiting,
    }


def _models(context: Context) -> list[ServedModel]:
    return context.plane.catalogue.models()


def _loaded(model: ServedModel, *, pinned: bool) -> dict[str, Any]:
    counts = model.statistics
    took = counts.stages["compute_infer"]
    return {
        "name": model.identity.name,
        "version": model.identity.version,
        "loaded": True,
        "pinned": pinned,
        "bytes": model.size.session_bytes,
        "call_bytes": model.size.call_bytes,
        "device": model.device,
        "device_bytes": model.size.on(model.device).session_bytes,
        "source": model.size.source,
        "users": model.users,
        "waiting": model.turn.waiting,
        "inferences": counts.inferences,
        "cost_seconds": round(took.ns / 1e9 / took.count if took.count else model.warm_seconds, 6),
    }


def _unloaded(manifest: Manifest) -> dict[str, Any]:
    return {"name": manifest.name, "version": manifest.version, "loaded": False, "pinned": False}
