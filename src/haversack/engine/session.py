"""Session: what the engine asks of any runtime that runs a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from numpy.typing import NDArray

from haversack.engine.devices import CPU, Device
from haversack.errors import EngineError
from haversack.packfile.signature import Signature

Array: TypeAlias = NDArray[Any]
SessionOpener: TypeAlias = "Callable[[bytes | Path, SessionOptions], Session]"
MOST_THREADS = 1024


@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """How a graph is run.

    Attributes:
        device: what is asked for is what runs, or opening fails.
        threads: threads inside one call; None takes the CPUs this process may use.
        spin_between_calls: whether those threads wait busily for the next call: quicker for a
            graph that runs alone, and a brake on every other graph of the process.
        device_bytes: most of the device's own memory that the session may take; None for all.
        gives_back: whether a call's memory goes back to the device after it, for other sessions;
            else the session keeps the largest call's, and the next call is quicker.
    """

    device: Device = CPU
    threads: int | None = None
    spin_between_calls: bool = True
    device_bytes: int | None = None
    gives_back: bool = False

    def __post_init__(self) -> None:
        """Refuse a number of threads that no session could have."""
        threads = self.threads
        if threads is not None and not (type(threads) is int and 1 <= threads <= MOST_THREADS):
            raise EngineError(
                "threads-unfit",
                f"a whole number of threads from 1 to {MOST_THREADS} is needed; "
                f"received {threads!r}",
            )


class Session(Protocol):
    """A graph, ready to run.

    Promises: `run` may be called by several threads at once; it neither keeps nor changes its
    inputs; the outputs belong to the caller; the same inputs give the same bits. A session holds
    its memory until the last reference to it is gone, and nothing else does.
    """

    @property
    def signature(self) -> Signature:
        """The graph's inputs and outputs, in its order."""
        ...

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Every output by name.

        Raises:
            EngineError: `run-failed`, with the runtime's own words.
        """
        ...
