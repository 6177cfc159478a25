"""The limits of a server, each with the option that sets it."""

from __future__ import annotations

from dataclasses import dataclass, field

from haversack.engine.cpus import usable_cpus
from haversack.engine.devices import CPU, Device
from haversack.settings import DEFAULT_DECODE_LIMIT_BYTES

_MOST_TURNS = 2  # each call holds the model's activations: memory grows with the turns


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How much a server takes on at once.

    Attributes:
        body_limit_bytes: of one request.
        pack_limit_bytes: of one uploaded pack.
        memory_bytes: of the whole process; None for what it may use, less a reserve.
        decode_limit_bytes: estimated for one photo, and for all that are decoded at once.
        is_decode_limit_given: whether it must hold; else it is cut to what there is.
        queue: requests in the server at once; the next one is told to come again.
        wait_seconds: the longest that one waits for its turn.
        triton_metrics: whether /metrics repeats everything under Triton's names.
        device: that models run on.
        device_memory_bytes: of its own memory, for packs; None for what is free, less a reserve.
        threads: inside one call of a model: half the CPUs, since two calls side by side answer a
            quarter more photos than one call on all of them (docs/explanation/decisions/0008).
    """

    body_limit_bytes: int = 64 << 20
    pack_limit_bytes: int = 1 << 30
    memory_bytes: int | None = None
    decode_limit_bytes: int = DEFAULT_DECODE_LIMIT_BYTES
    is_decode_limit_given: bool = False
    queue: int = 256
    wait_seconds: float = 30.0
    triton_metrics: bool = False
    device: Device = CPU
    device_memory_bytes: int | None = None
    threads: int = field(default_factory=lambda: max(1, usable_cpus() // _MOST_TURNS))

    @property
    def turns(self) -> int:
        """Calls of one model at once, each with its threads, as far as the CPUs go."""
        return max(1, min(_MOST_TURNS, usable_cpus() // self.threads))
