"""No request holds the event loop for long, or takes memory that was not reserved for it.

Loop time is CPU time of the loop's thread, so that a busy machine fails nothing. The everyday
tests take a slice of each kind; the slow ones take every route, every format and all of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.loop.hostile import Sent, hostile, ordinary
from tests.loop.packs import DETECTOR, MAPPER
from tests.loop.visits import Caller, visit_of, visits
from tests.loop.watching import Watched

from haversack.app.kinds import KINDS
from haversack.serve.http.contract.table import operations

_ROUTES = [(one.id, one.method, one.path) for one in operations(KINDS)]
_PAGE = [(name, "GET", "/") for name in ("page", "samples")]
_PHOTOS = ordinary() | hostile()
_EVERY_DAY_PHOTOS = ("jpeg", "png", "png-empty-chunks-gzip", "jpeg-segments", "gif-sub-blocks")
_ALONE = ("repository_load", "repository_unload")
_EVERY_DAY_ROUTES = ("infer", "predict_photo", "job", "upload_photo")


def check_route(server: Watched, caller: Caller, route: tuple[str, str, str]) -> None:
    visit = visit_of(*route)
    with server.watch(route[0], body_bytes=16 << 20) as reading:
        visit(caller)
    assert not reading.faults(), "\n".join(reading.faults())


def check_photo(server: Watched, caller: Caller, name: str) -> None:
    sent = _PHOTOS[name]()
    told = {}
    for way, path in _ways(caller).items():
        with server.watch(f"{name} {way}", body_bytes=unpacked_bytes(sent)) as reading:
            answer = caller.post(path(), content=sent.body, headers=sent.headers)
            if way == "jobs" and answer.status_code == 202:
                caller.ended(answer.headers["location"])
        assert answer.status_code in (200, 201, 202, 400, 413, 415, 422), answer.text
        told[way] = reading.faults()
    told = {way: faults for way, faults in told.items() if faults}
    assert not told, "\n".join(
        f"{way}: {fault}" for way, faults in told.items() for fault in faults
    )


def _ways(caller: Caller) -> dict[str, Callable[[], str]]:
    """Where a photo may be sent."""
    upload = caller.post("/uploads").headers["location"]
    return {
        "predict": lambda: f"/predict/{DETECTOR}",
        "map": lambda: f"/predict/{MAPPER}?map=true",
        "jobs": lambda: f"/jobs/{DETECTOR}",
        "uploads": lambda: f"{upload}?name=a.jpg",
    }


def unpacked_bytes(sent: Sent) -> int:
    if "Content-Encoding" not in sent.headers:
        return len(sent.body)
    return len(zlib.decompress(sent.body, 16 + zlib.MAX_WBITS))


@pytest.mark.parametrize("name", _EVERY_DAY_PHOTOS)
def test_a_photo_holds_up_nobody(server: Watched, caller: Caller, name: str) -> None:
    check_photo(server, caller, name)


@pytest.mark.parametrize("route", [row for row in _ROUTES if row[0] in _EVERY_DAY_ROUTES], ids=str)
def test_a_route_holds_up_nobody(
    server: Watched, caller: Caller, route: tuple[str, str, str]
) -> None:
    check_route(server, caller, route)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in _PHOTOS if name not in _EVERY_DAY_PHOTOS])
def test_no_photo_holds_up_anybody(server: Watched, caller: Caller, name: str) -> None:
    check_photo(server, caller, name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "route", [row for row in _ROUTES + _PAGE if row[0] not in _EVERY_DAY_ROUTES], ids=lambda r: r[0]
)
def test_no_route_holds_up_anybody(
    server: Watched, caller: Caller, route: tuple[str, str, str]
) -> None:
    check_route(server, caller, route)


@pytest.mark.slow
def test_no_route_waits_for_the_disk_on_the_loop(slow: Watched, slow_caller: Caller) -> None:
    """All of them at once, since each takes long on such a disk; the stack tells which it was."""
    alone = [row for row in _ROUTES if row[0] in _ALONE]
    routes = [row for row in _ROUTES + _PAGE if row[0] not in _ALONE]
    with slow.watch("slow disk") as reading, ThreadPoolExecutor(len(routes)) as pool:
        for route in alone:
            visit_of(*route)(slow_caller)
        visiting = [pool.submit(visit_of(*route), slow_caller) for route in routes]
        for visit in visiting:
            visit.result()
    assert not reading.disk_stacks, reading.disk_stacks[:8000]
    assert not reading.still_reserved_bytes


def test_every_visit_is_of_a_route() -> None:
    assert set(visits()) <= {row[0] for row in _ROUTES + _PAGE}
