"""Sessions and calls share the room for packs; the largest call always fits."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from haversack.serve.models.residency import Residency
from haversack.serve.models.sizes import PackBytes


def size(session: int, call: int, opening: int = 0) -> PackBytes:
    return PackBytes(session_bytes=session, call_bytes=call, opening_bytes=opening)


def test_calls_of_all_models_get_what_sessions_leave() -> None:
    residency = Residency(100, turns=2)
    residency.enter("a", size(30, 10))
    assert residency.workspace.whole_bytes == 20
    residency.enter("b", size(30, 20))
    assert residency.workspace.whole_bytes == 40  # 60 are wanted
    residency.leave("a")
    assert residency.workspace.whole_bytes == 40
    assert residency.sessions_bytes == 30


def test_calls_get_room_for_a_batch_where_there_is_some() -> None:
    residency = Residency(200, turns=2)
    residency.enter("a", PackBytes(session_bytes=30, call_bytes=10, row_bytes=5))
    assert residency.workspace.whole_bytes == 2 * (10 + 7 * 5)
    assert residency.fits(size(150, 10))
    residency.enter("b", size(150, 10))
    assert residency.workspace.whole_bytes == 20


def test_what_fits_is_reckoned_with_one_call_of_the_largest_and_with_opening() -> None:
    residency = Residency(100)
    residency.enter("a", size(50, 10))
    assert residency.fits(size(40, 10))
    assert not residency.fits(size(41, 10))
    assert not residency.fits(size(40, 10, opening=11))
    assert residency.fits(size(90, 10), without=["a"])


def test_one_that_turned_out_larger_is_told_and_its_call_still_runs() -> None:
    residency = Residency(100)
    residency.enter("a", size(90, 30))
    assert residency.excess() == {"cpu": 20}
    assert residency.workspace.take(30)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8))
def test_those_that_fit_never_exceed_the_room(packs: list[tuple[int, int]]) -> None:
    residency = Residency(100, turns=2)
    for number, (session, call) in enumerate(packs):
        if residency.fits(size(session, call)):
            residency.enter(number, size(session, call))
        assert residency.sessions_bytes + residency.workspace.whole_bytes <= 100
        assert residency.excess() == {}


def on_gpu(host: PackBytes, there: PackBytes) -> PackBytes:
    return replace(host, elsewhere={"gpu": there})


def test_a_device_has_a_part_of_its_own() -> None:
    residency = Residency(100, turns=2, devices={"gpu": 50})
    (gpu,) = residency.devices
    assert not residency.fits(on_gpu(size(10, 5), size(46, 5)))
    full = residency.full(on_gpu(size(10, 5), size(46, 5)))
    assert full is gpu
    residency.enter("a", on_gpu(size(10, 5), size(20, 10)))
    assert (residency.sessions_bytes, gpu.sessions_bytes) == (10, 20)
    assert (residency.workspace.whole_bytes, gpu.workspace.whole_bytes) == (10, 20)
    # Another's session fits into memory twice, and beside this one on the device no more.
    assert residency.fits(size(70, 10))
    assert not residency.fits(on_gpu(size(1, 1), size(21, 1)))
    assert residency.fits(on_gpu(size(1, 1), size(21, 1)), without=["a"])
    residency.leave("a")
    assert (gpu.sessions_bytes, gpu.workspace.whole_bytes) == (0, 0)


def test_a_pack_larger_than_it_was_told_is_said_of_its_device() -> None:
    residency = Residency(100, devices={"gpu": 50})
    residency.enter("a", on_gpu(size(10, 5), size(45, 10)))
    assert residency.excess() == {"gpu": 5}
    assert residency.too_small(on_gpu(size(10, 5), size(45, 10))) is residency.devices[0]
    assert residency.too_small(size(10, 5)) is None


@given(st.lists(st.tuples(*[st.integers(0, 60)] * 4), max_size=8), st.data())
def test_no_device_is_ever_over_committed(
    wanted: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    wholes = {"cpu": 100, "gpu": 60}
    residency = Residency(wholes["cpu"], turns=2, devices={"gpu": wholes["gpu"]})
    inside: list[int] = []
    for number, (session, call, there, there_call) in enumerate(wanted):
        pack = on_gpu(size(session, call), size(there, there_call))
        if residency.fits(pack):
            residency.enter(number, pack)
            inside.append(number)
        elif inside:
            residency.leave(inside.pop(data.draw(st.integers(0, len(inside) - 1))))
        (gpu,) = residency.devices
        assert residency.sessions_bytes + residency.workspace.whole_bytes <= wholes["cpu"]
        assert gpu.sessions_bytes + gpu.workspace.whole_bytes <= wholes["gpu"]
        assert residency.excess() == {}
