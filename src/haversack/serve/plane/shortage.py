"""Where the system itself has no memory for what was let in: how that shows, and what is said."""

from __future__ import annotations

import errno

from haversack.errors import EngineError, HaversackError, RetryLaterError


def is_short_of_memory(fault: BaseException) -> bool:
    """Whether the system, numpy or the runtime refused memory: another limit than ours was met."""
    if isinstance(fault, EngineError):
        return "bad_alloc" in fault.message or "allocat" in fault.message
    return isinstance(fault, MemoryError) or getattr(fault, "errno", None) == errno.ENOMEM


def memory_short(fault: BaseException, retry_after_seconds: int) -> HaversackError:
    """The same for a caller: `memory-short`, and when to come again."""
    words = (str(fault) or "the system gave none").partition("\n")[0]
    return RetryLaterError(
        f"there is no memory for this request: {words}",
        retry_after_seconds=retry_after_seconds,
        hint="Send less at once, or try again when the server is less busy.",
        code="memory-short",
    )
