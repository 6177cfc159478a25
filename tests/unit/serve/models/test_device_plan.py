"""A device's memory is never promised twice, and a server that would not fit does not start."""

from __future__ import annotations

import pytest

from haversack.engine.devices import DeviceMemory
from haversack.errors import HaversackError
from haversack.serve.models.device_plan import DeviceWish, divide_device
from haversack.serve.models.memory_plan import NamedPack
from haversack.serve.models.sizes import PackBytes

GIB = 1 << 30
CARD = DeviceMemory(whole_bytes=16 * GIB, free_bytes=10 * GIB)


def wish(whole: int | None = None, *sizes: int) -> DeviceWish:
    pinned = [
        NamedPack(name=f"p{number}@1", size=PackBytes(session_bytes=size, call_bytes=GIB))
        for number, size in enumerate(sizes)
    ]
    return DeviceWish(device="cuda:1", whole_bytes=whole, memory=CARD, pinned=pinned)


def refusal(asked: DeviceWish) -> HaversackError:
    with pytest.raises(HaversackError) as caught:
        divide_device(asked)
    assert caught.value.code == "memory-too-small"
    return caught.value


def test_packs_get_what_is_free_less_a_tenth_or_what_was_given() -> None:
    assert divide_device(wish()) == 9 * GIB
    assert divide_device(wish(4 * GIB)) == 4 * GIB


def test_more_than_is_free_is_refused_with_both_numbers() -> None:
    told = refusal(wish(12 * GIB))
    assert "--device-memory 12 GiB was given, and cuda:1 has 10 GiB free of 16 GiB" in told.message


def test_packs_that_do_not_fit_are_refused_with_the_sum() -> None:
    told = refusal(wish(None, 4 * GIB, 5 * GIB))
    assert "of the memory of cuda:1" in told.message
    assert [line.split("  ")[-1] for line in told.details][:3] == [
        "p0@1, estimated",
        "p1@1, estimated",
        "one call of a model",
    ]
    assert divide_device(wish(None, 4 * GIB, 4 * GIB)) == 9 * GIB
