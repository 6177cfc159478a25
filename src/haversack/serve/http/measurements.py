"""What a server tells Prometheus about itself; `nv_*` repeats it under Triton's names.

Source: Triton Inference Server, docs/user_guide/metrics.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response

from haversack.callers import Scope
from haversack.engine.limits import resident_bytes
from haversack.metrics import CONTENT_TYPE, Histogram, MetricSample, Page
from haversack.serve.http.context import Context
from haversack.serve.http.job_context import Phase
from haversack.serve.models.model import ServedModel
from haversack.serve.models.statistics import Duration

_STAGES = {
    "queue": "waiting for memory and for a turn",
    "compute_input": "decoding and fitting",
    "compute_infer": "in the model",
    "compute_output": "making the answer",
}


class MetricsRoutes:
    """GET /metrics."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._page = Page(self._samples)

    async def metrics(self, request: Request) -> Response:
        """Every number, as of now."""
        self._context.allow(request, Scope.METRICS)
        return Response(self._page.render(), media_type=CONTENT_TYPE)

    def _samples(self) -> Iterator[MetricSample | Histogram]:
        plane = self._context.plane
        ready = float(self._context.phase is Phase.READY)
        yield MetricSample(name="haversack_ready", text="1 when ready", value=ready)
        yield MetricSample(
            name="haversack_requests_in_house",
            text="Requests being answered or waiting",
            value=plane.seats.taken,
        )
        yield MetricSample(
            name="haversack_requests_refused",
            text="Requests told to come again because the server was full",
            value=plane.seats.refused,
            is_counter=True,
        )
        yield from _memory(self._context)
        for model in plane.catalogue.models():
            yield from _of_model(model)
            if self._context.options.triton_metrics:
                yield from _as_triton(model)


def _memory(context: Context) -> Iterator[MetricSample]:
    """The budget: its parts, what of them is used, and what became of packs."""
    plane = context.plane
    loaded_models = plane.catalogue.loaded_models
    plan = loaded_models.policy.plan
    shares = {"photos": plane.memory, "json": plane.json, "calls": plane.workspace}

    def sample(name: str, text: str, value: float, **labels: str) -> MetricSample:
        return MetricSample(name=f"haversack_{name}", text=text, value=value, labels=labels)

    yield sample("resident_bytes", "Memory of the process", resident_bytes())
    if plan is not None:
        text = "The most that the process should take"
        yield sample("memory_budget_bytes", text, plan.whole_bytes)
    text = "Memory reserved for photos that are decoded, and for parsing"
    yield sample("memory_reserved_bytes", text, plane.memory.used)
    text = "The most that is reserved for photos and parsing at once"
    yield sample("memory_limit_bytes", text, plane.memory.limit)
    for part, gate in shares.items():
        text = "Memory reserved, by what for"
        yield sample("memory_part_reserved_bytes", text, gate.used, part=part)
        text = "The most that is reserved at once, by what for"
        yield sample("memory_part_limit_bytes", text, gate.limit, part=part)
        text = "Requests that wait for memory, by what for"
        yield sample("memory_waiting", text, gate.waiting, part=part)
    text = "What all loaded packs keep"
    yield sample("memory_sessions_bytes", text, loaded_models.policy.residency.sessions_bytes)
    for one in loaded_models.policy.residency.devices:
        gate, device = plane.devices[one.device], one.device
        text = "The most that packs should take of the device's memory"
        yield sample("device_memory_budget_bytes", text, one.packs_bytes, device=device)
        text = "What all loaded packs keep of the device's memory"
        yield sample("device_memory_sessions_bytes", text, one.sessions_bytes, device=device)
        text = "The device's memory reserved for calls"
        yield sample("device_memory_reserved_bytes", text, gate.used, device=device)
    for name, text, value in (
        ("pack_loads", "Packs loaded", loaded_models.counts.loads),
        ("pack_evictions", "Packs that made room for another", loaded_models.counts.evictions),
        ("pack_swaps", "Switches for which requests waited", loaded_models.counts.swaps),
    ):
        yield MetricSample(name=f"haversack_{name}", text=text, value=value, is_counter=True)
    text = "Seconds that requests waited in the last switch of that kind"
    yield sample("pack_swap_last_seconds", text, loaded_models.counts.last_swap_seconds)


def _of_model(model: ServedModel) -> Iterator[MetricSample | Histogram]:
    counts, labels = model.statistics, _labels(model)

    def counter(name: str, text: str, value: float, **more: str) -> MetricSample:
        return MetricSample(
            name=f"haversack_{name}", text=text, value=value, labels=labels | more, is_counter=True
        )

    for outcome, duration in (("success", counts.success), ("failure", counts.fail)):
        text = "Requests answered or refused"
        yield counter("inference_requests", text, duration.count, outcome=outcome)
    yield Histogram(
        name="haversack_inference_request_seconds",
        text="Seconds from a request's body to its answer, where there was one",
        labels=labels,
        buckets=counts.latency.cumulative(),
        total=_seconds(counts.success),
    )
    yield counter("inferences", "Photos or rows inferred", counts.inferences)
    for stage in _STAGES:
        text = "Seconds by stage of a request"
        yield counter("inference_stage_seconds", text, _seconds(counts.stages[stage]), stage=stage)
    yield MetricSample(
        name="haversack_model_waiting",
        text="Requests that wait for their turn at the model",
        value=model.turn.waiting,
        labels=labels,
    )
    yield MetricSample(
        name="haversack_model_bytes",
        text="What the loaded model keeps",
        value=model.size.session_bytes,
        labels=labels,
    )
    yield MetricSample(
        name="haversack_model_device_bytes",
        text="What the loaded model keeps of the memory of its device",
        value=model.size.on(model.device).session_bytes,
        labels=labels | {"device": model.device},
    )
    yield MetricSample(
        name="haversack_model_load_seconds",
        text="Opening and warming the model took",
        value=model.load_seconds,
        labels=labels,
    )


def _as_triton(model: ServedModel) -> Iterator[MetricSample]:
    counts, labels = model.statistics, _labels(model)

    def counter(name: str, text: str, value: float) -> MetricSample:
        # Not declared a counter: that would end its name in _total, as Triton's do not.
        return MetricSample(name=name, text=text, value=value, labels=labels)

    yield counter("nv_inference_request_success", "Requests answered", counts.success.count)
    yield counter("nv_inference_request_failure", "Requests refused", counts.fail.count)
    yield counter("nv_inference_count", "Photos or rows inferred", counts.inferences)
    yield counter("nv_inference_exec_count", "Calls of the model", counts.executions)
    yield MetricSample(
        name="nv_inference_pending_request_count",
        text="Requests that wait for their turn",
        value=model.turn.waiting,
        labels=labels,
    )
    microseconds = 1e6
    yield counter(
        "nv_inference_request_duration_us",
        "Of requests answered",
        _seconds(counts.success) * microseconds,
    )
    for stage, text in _STAGES.items():
        name = f"nv_inference_{stage}_duration_us"
        yield counter(name, text.capitalize(), _seconds(counts.stages[stage]) * microseconds)


def _labels(model: ServedModel) -> dict[str, str]:
    return {"model": model.identity.name, "version": model.identity.version}


def _seconds(duration: Duration) -> float:
    return duration.ns / 1e9
