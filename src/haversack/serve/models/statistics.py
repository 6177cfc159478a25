"""What a model did since it was loaded: counts and durations, as V2 statistics and metrics."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate

_STAGES = ("queue", "compute_input", "compute_infer", "compute_output")


@dataclass
class Duration:
    """How often, and for how many nanoseconds in all."""

    count: int = 0
    ns: int = 0

    def add(self, seconds: float) -> None:
        """One more."""
        self.count += 1
        self.ns += int(seconds * 1e9)

    def to_dict(self) -> dict[str, int]:
        """As V2 gives it."""
        return {"count": self.count, "ns": self.ns}


class Latency:
    """How many requests took how long, in classes from 1 ms to 30 s."""

    BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

    def __init__(self) -> None:
        self._counts = [0] * (len(self.BOUNDS) + 1)

    def add(self, seconds: float) -> None:
        """One more."""
        self._counts[bisect_left(self.BOUNDS, seconds)] += 1

    def cumulative(self) -> tuple[tuple[str, int], ...]:
        """(upper bound, requests up to it), the last bound being +Inf."""
        names = (*map(str, self.BOUNDS), "+Inf")
        return tuple(zip(names, accumulate(self._counts), strict=True))


@dataclass(kw_only=True)
class Stages:
    """Seconds of one request by stage.

    Attributes:
        queue: waiting for memory and for its turn.
        compute_input: decoding and fitting.
        compute_infer: in the model.
        compute_output: making the answer.
        batch: rows in it.
    """

    queue: float = 0.0
    compute_input: float = 0.0
    compute_infer: float = 0.0
    compute_output: float = 0.0
    batch: int = 1


@dataclass(kw_only=True)
class Statistics:
    """The counts of one version of one model. Used from the event loop only.

    Attributes:
        clock: Unix time in seconds.
    """

    clock: Callable[[], float] = time.time
    last_inference_ms: int = 0
    inferences: int = 0
    executions: int = 0
    success: Duration = field(default_factory=Duration)
    fail: Duration = field(default_factory=Duration)
    latency: Latency = field(default_factory=Latency)
    stages: dict[str, Duration] = field(default_factory=lambda: {s: Duration() for s in _STAGES})
    by_batch: dict[int, dict[str, Duration]] = field(default_factory=dict)

    def succeeded(self, stages: Stages, seconds: float) -> None:
        """One request was answered."""
        self.last_inference_ms = int(self.clock() * 1000)
        self.inferences += stages.batch
        self.executions += 1
        self.success.add(seconds)
        self.latency.add(seconds)
        batch = self.by_batch.setdefault(stages.batch, {s: Duration() for s in _STAGES})
        for name in _STAGES:
            took = getattr(stages, name)
            self.stages[name].add(took)
            batch[name].add(took)

    def failed(self, seconds: float) -> None:
        """One request was refused, or could not be answered."""
        self.fail.add(seconds)

    def to_dict(self, name: str, version: str) -> dict[str, object]:
        """One element of V2's `model_stats`."""
        stages = {stage: duration.to_dict() for stage, duration in self.stages.items()}
        nothing = Duration().to_dict()
        return {
            "name": name,
            "version": version,
            "last_inference": self.last_inference_ms,
            "inference_count": self.inferences,
            "execution_count": self.executions,
            "inference_stats": {
                "success": self.success.to_dict(),
                "fail": self.fail.to_dict(),
                **stages,
                "cache_hit": nothing,
                "cache_miss": nothing,
            },
            "response_stats": {},
            "batch_stats": [
                {
                    "batch_size": size,
                    **{k: v.to_dict() for k, v in durations.items() if k != "queue"},
                }
                for size, durations in sorted(self.by_batch.items())
            ],
            "memory_usage": [],
        }
