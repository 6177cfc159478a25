"""Sessions and calls share the room for packs; the largest call always fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.serve.models.late_sum import LateSum

from haversack.serve.models.residency import DevicePacks, Residency
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


def sessions(packs: Iterable[PackBytes]) -> int:
    return sum(pack.session_bytes for pack in packs)


def longest_call(packs: Iterable[PackBytes]) -> int:
    return max((pack.call_bytes for pack in packs), default=0)


SIZES = st.builds(size, *[st.integers(0, 60)] * 3)


@settings(deadline=None)
@given(st.lists(SIZES, max_size=8))
def test_those_that_fit_never_exceed_the_room(packs: list[PackBytes]) -> None:
    residency = Residency(100, turns=2)
    inside: list[PackBytes] = []
    for pack in filter(residency.fits, packs):
        # As `LoadedModels` does: counted with what opening takes, and then with what it keeps.
        token = object()
        residency.enter(token, pack.while_opening())
        kept = sessions([*inside, pack])
        assert kept + max(pack.opening_bytes, longest_call([*inside, pack])) <= 100
        assert kept <= residency.sessions_bytes <= 100 - residency.workspace.whole_bytes
        residency.enter(object(), pack, instead_of=token)
        inside.append(pack)
        assert residency.sessions_bytes == kept
        assert longest_call(inside) <= residency.workspace.whole_bytes <= 100 - kept


@settings(deadline=None)
@given(st.lists(SIZES, max_size=8))
def test_the_excess_is_what_sessions_and_the_largest_call_take_too_much(
    packs: list[PackBytes],
) -> None:
    residency = Residency(100)
    for pack in packs:
        residency.enter(object(), pack)
    over = sessions(packs) + longest_call(packs) - 100
    assert residency.excess() == ({"cpu": over} if over > 0 else {})


def on_gpu(host: PackBytes, there: PackBytes) -> PackBytes:
    return replace(host, elsewhere={"gpu": there})


def test_a_device_has_a_part_of_its_own() -> None:
    residency = Residency(100, turns=2, devices={"gpu": 50})
    (gpu,) = residency.devices
    assert not residency.fits(on_gpu(size(10, 5), size(46, 5)))
    assert residency.full(on_gpu(size(10, 5), size(46, 5))) == gpu
    residency.enter("a", on_gpu(size(10, 5), size(20, 10)))
    assert (residency.sessions_bytes, residency.devices[0].sessions_bytes) == (10, 20)
    # Of a device's memory calls have all that is left: there one that does not fit is refused.
    workspace = residency.workspaces["gpu"]
    assert (residency.workspace.whole_bytes, workspace.whole_bytes) == (10, 30)
    # Another's session fits into memory twice, and beside this one on the device no more.
    assert residency.fits(size(70, 10))
    assert not residency.fits(on_gpu(size(1, 1), size(21, 1)))
    assert residency.fits(on_gpu(size(1, 1), size(21, 1)), without=["a"])
    residency.leave("a")
    assert (residency.devices[0].sessions_bytes, workspace.whole_bytes) == (0, 50)
    assert gpu == DevicePacks(device="gpu", packs_bytes=50, sessions_bytes=0)


def test_what_packs_take_is_read_while_another_comes() -> None:
    residency = Residency(100, devices={"gpu": 100})
    reads: tuple[Callable[[], int], ...] = (
        lambda: residency.devices[0].sessions_bytes,
        lambda: residency.machine.sessions_bytes,
        lambda: residency.sessions_bytes,
    )
    for read in reads:
        first, second = LateSum(10), on_gpu(size(1, 1), size(1, 1))
        residency.enter("first", on_gpu(size(first, 1), size(first, 1)))
        residency.enter("third", second)
        first.meanwhile = partial(residency.enter, "second", second)
        assert read() == 11
        assert first.thread is not None
        first.thread.join()
        assert read() == 12
        residency.leave("second")


def test_a_pack_larger_than_it_was_told_is_said_of_its_device() -> None:
    residency = Residency(100, devices={"gpu": 50})
    residency.enter("a", on_gpu(size(10, 5), size(45, 10)))
    assert residency.excess() == {"gpu": 5}
    assert residency.too_small(on_gpu(size(10, 5), size(45, 10))) == residency.devices[0]
    assert residency.too_small(size(10, 5)) is None


@settings(deadline=None)
@given(st.lists(st.builds(on_gpu, SIZES, SIZES), max_size=8), st.data())
def test_no_device_is_ever_over_committed(wanted: list[PackBytes], data: st.DataObject) -> None:
    wholes = {"cpu": 100, "gpu": 60}
    residency = Residency(wholes["cpu"], turns=2, devices={"gpu": wholes["gpu"]})
    workspaces = {"cpu": residency.workspace, **residency.workspaces}
    inside: dict[object, PackBytes] = {}

    def check(entering: PackBytes | None = None) -> None:
        seen = {one.device: one for one in (residency.machine, *residency.devices)}
        for device, whole in wholes.items():
            packs = [pack.on(device) for pack in inside.values()]
            if entering is not None:
                packs.append(entering.on(device).while_opening())
            assert seen[device].sessions_bytes == sessions(packs)
            room = workspaces[device].whole_bytes
            assert longest_call(packs) <= room <= whole - sessions(packs)

    for number, pack in enumerate(wanted):
        if residency.fits(pack):
            token = object()
            residency.enter(token, pack.while_opening())
            check(entering=pack)
            residency.enter(number, pack, instead_of=token)
            inside[number] = pack
        elif inside:
            gone = data.draw(st.sampled_from([*inside]))
            residency.leave(gone)
            del inside[gone]
        check()
