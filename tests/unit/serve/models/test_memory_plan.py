"""The parts add up to the whole, or the server says what would fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haversack.engine.limits import MemoryLimit
from haversack.errors import HaversackError
from haversack.serve.models.memory_plan import (
    LEAST_REQUEST_BYTES,
    MOST_REQUEST_BYTES,
    MemoryPlan,
    NamedPack,
    Wish,
    default_whole,
    divide,
    least_bytes,
)
from haversack.serve.models.sizes import PackBytes

MIB = 1 << 20
SIZES = st.builds(
    PackBytes,
    session_bytes=st.integers(0, 400 * MIB),
    call_bytes=st.integers(0, 200 * MIB),
)


def wish(limit_mib: int, *sizes: PackBytes, request_bytes: int | None = None) -> Wish:
    return Wish(
        whole_bytes=None,
        request_bytes=request_bytes,
        limit=MemoryLimit(limit_bytes=limit_mib * MIB, said_by="control group"),
        floor_bytes=80 * MIB,
        pinned=[NamedPack(name=f"p{i}@1", size=size) for i, size in enumerate(sizes)],
    )


def divided(wished: Wish) -> MemoryPlan | HaversackError:
    try:
        return divide(wished)
    except HaversackError as refused:
        return refused


def test_the_reserve_is_a_tenth_and_64_mib_at_least() -> None:
    assert default_whole(256 * MIB) == 192 * MIB
    assert default_whole(10_000 * MIB) == 9_000 * MIB


@settings(deadline=None)
@given(st.integers(100, 64_000), st.lists(SIZES, max_size=4))
def test_the_parts_add_up_and_named_packs_fit(limit_mib: int, sizes: list[PackBytes]) -> None:
    plan = divided(wish(limit_mib, *sizes))
    if isinstance(plan, HaversackError):
        assert plan.code == "memory-too-small"
        assert plan.details
        assert plan.hint
        return
    assert sum(line.size_bytes for line in plan.lines()) == plan.whole_bytes
    assert plan.packs_bytes >= least_bytes(sizes)
    assert LEAST_REQUEST_BYTES <= plan.requests_bytes <= MOST_REQUEST_BYTES
    assert all(line.size_bytes >= 0 for line in plan.lines())


def test_a_decode_limit_that_was_given_is_kept_or_refused() -> None:
    assert divide(wish(2000, request_bytes=700 * MIB)).requests_bytes == 700 * MIB
    with pytest.raises(HaversackError) as told:
        divide(wish(500, request_bytes=700 * MIB))
    assert told.value.details[-1].endswith("together, and 436 MiB are there")


def test_the_decode_limit_that_the_hint_names_fits() -> None:
    size = PackBytes(session_bytes=50 * MIB, call_bytes=10 * MIB)
    with pytest.raises(HaversackError) as told:
        divide(wish(400, size, request_bytes=900 * MIB))
    _, _, text = told.value.hint.partition("--decode-limit ")
    assert divide(wish(400, size, request_bytes=int(text.rstrip("M.")) * MIB))


def test_less_is_read_at_once_where_memory_is_small() -> None:
    assert divide(wish(256)).read_bytes(256) == (192 * MIB // 8) // 256
    assert divide(wish(16_000)).read_bytes(256) is None
    assert divide(wish(256)).read_bytes(100_000) == 64 << 10


def test_who_has_no_door_keeps_no_memory_for_connections() -> None:
    worker = divide(replace(wish(512), has_door=False))
    assert (worker.connections_bytes, worker.bodies_bytes) == (0, 0)
    assert worker.packs_bytes > divide(wish(512)).packs_bytes
    assert sum(line.size_bytes for line in worker.lines()) == worker.whole_bytes


def test_a_worker_that_is_too_small_calls_itself_one() -> None:
    size = PackBytes(session_bytes=400 * MIB, call_bytes=1 * MIB)
    refused = divided(replace(wish(256, size), has_door=False))
    assert isinstance(refused, HaversackError)
    assert refused.message.startswith("the worker needs ")
