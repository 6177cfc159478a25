"""Numbers for Prometheus: gathered from what is counted anyway, when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, kw_only=True)
class MetricSample:
    """One number.

    Attributes:
        name: without the suffix `_total` that counters get.
        text: what it counts, for people.
        labels: names and values, in order.
        is_counter: only ever grows.
    """

    name: str
    text: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)
    is_counter: bool = False


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How a quantity is spread.

    Attributes:
        buckets: (upper bound, how many up to it), the last bound being "+Inf".
        total: the sum of all.
    """

    name: str
    text: str
    labels: dict[str, str]
    buckets: tuple[tuple[str, int], ...]
    total: float


class Page:
    """What GET /metrics gives: every sample of `gather`, in Prometheus' text format."""

    def __init__(self, gather: Callable[[], Iterable[MetricSample | Histogram]]) -> None:
        self._gather = gather
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def render(self) -> bytes:
        """The page, as of now."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Nothing: the client would otherwise collect once when it is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Samples of one name together, as the format wants."""
        families: dict[str, Any] = {}
        for one in self._gather():
            family = families.setdefault(one.name, _family(one))
            values = list(one.labels.values())
            if isinstance(one, Histogram):
                family.add_metric(values, list(one.buckets), one.total)
            else:
                family.add_metric(values, one.value)
        return iter(families.values())


def _family(one: MetricSample | Histogram) -> Any:
    if isinstance(one, Histogram):
        kind: Any = HistogramMetricFamily
    else:
        kind = CounterMetricFamily if one.is_counter else GaugeMetricFamily
    return kind(one.name, one.text, labels=list(one.labels))
