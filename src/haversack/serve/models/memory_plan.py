"""How a server's memory is divided at its start, and why it may not start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from haversack.engine.limits import MemoryLimit
from haversack.errors import HaversackError, Kind
from haversack.serve.models.sizes import PackBytes
from haversack.units import format_bytes

LEAST_REQUEST_BYTES = 24 << 20
"""What one photo must be allowed: 12 megapixels from a JPEG that is decoded at 1/2 take 12 MiB."""

MOST_REQUEST_BYTES = 256 << 20
"""What photos get where there is plenty, unless --decode-limit says otherwise."""

_LEAST_RESERVE_BYTES = 64 << 20
_MOST_BODIES_BYTES = 32 << 20
_LEAST_BODIES_BYTES = 4 << 20
_MOST_CONNECTIONS_BYTES = 64 << 20
_JSON_PART = 8
# uvloop reads 250 KB at once from a connection that has so much: with 300 uploads of 200 KB that
# came together a server grew by 115 MB so, and by 88 where it read less (2 vCPU, 2026-11-21).
_ONE_READ_BYTES = 250_000
_LEAST_READ_BYTES = 64 << 10


@dataclass(frozen=True, kw_only=True)
class Line:
    """One summand of a server's memory."""

    name: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class NamedPack:
    """A pack that must be in memory, and what it takes."""

    name: str
    size: PackBytes


@dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """A server's memory, divided. The parts do not lend to each other, so none can starve another.

    Attributes:
        whole_bytes: all of it.
        said_by: who set it.
        floor_bytes: the process before any pack is loaded.
        connections_bytes: what has arrived on connections and was not read yet.
        bodies_bytes: request bodies in memory; the others wait on disk.
        requests_bytes: photos being decoded, fitted pixels that wait, label maps: --decode-limit.
        json_bytes: parsed JSON of requests that are being answered.
        packs_bytes: sessions, and what calls of models take.
    """

    whole_bytes: int
    said_by: str
    floor_bytes: int
    connections_bytes: int
    bodies_bytes: int
    requests_bytes: int
    json_bytes: int
    packs_bytes: int

    def read_bytes(self, queue: int) -> int | None:
        """What the system may hold of one connection, where so many may come at once; None where
        it may decide.
        """
        each = self.connections_bytes // queue
        return None if each >= _ONE_READ_BYTES else max(each, _LEAST_READ_BYTES)

    def lines(self) -> tuple[Line, ...]:
        """The parts, by name."""
        return (
            Line(name="runtime", size_bytes=self.floor_bytes),
            Line(name="connections", size_bytes=self.connections_bytes),
            Line(name="bodies in memory", size_bytes=self.bodies_bytes),
            Line(name="photos being decoded", size_bytes=self.requests_bytes),
            Line(name="parsed JSON", size_bytes=self.json_bytes),
            Line(name="packs and their calls", size_bytes=self.packs_bytes),
        )


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a server is to hold.

    Attributes:
        whole_bytes: --memory, or None for the process's limit less a reserve.
        request_bytes: --decode-limit, or None for what is sensible.
        limit: of the process.
        floor_bytes: resident before any pack is loaded.
        pinned: packs that must stay in memory, in order.
        has_door: whether requests come over connections; a worker takes its work from a database.
    """

    whole_bytes: int | None
    request_bytes: int | None
    limit: MemoryLimit
    floor_bytes: int
    pinned: Sequence[NamedPack] = ()
    has_door: bool = True


def default_whole(limit_bytes: int) -> int:
    """The limit less a tenth, or less 64 MiB where that is more: allocators keep some holes."""
    return limit_bytes - max(limit_bytes // 10, _LEAST_RESERVE_BYTES)


def divide(wish: Wish) -> MemoryPlan:
    """The parts of a server's memory.

    Raises:
        HaversackError: `memory-too-small` with the sum in `details`, and what would fit as hint.
    """
    whole, said_by = _whole(wish)
    bodies = min(max(whole // 16, _LEAST_BODIES_BYTES), _MOST_BODIES_BYTES) * wish.has_door
    connections = min(whole // 8, _MOST_CONNECTIONS_BYTES) * wish.has_door
    packs = least_bytes([pack.size for pack in wish.pinned])
    left = whole - wish.floor_bytes - bodies - connections - packs
    photos = wish.request_bytes or _sensible(left)
    json = photos // _JSON_PART
    if photos + json > left:
        raise _too_small(wish, whole, said_by, (connections + bodies, photos, json))
    return MemoryPlan(
        whole_bytes=whole,
        said_by=said_by,
        floor_bytes=wish.floor_bytes,
        connections_bytes=connections,
        bodies_bytes=bodies,
        requests_bytes=photos,
        json_bytes=json,
        packs_bytes=packs + left - photos - json,
    )


def least_bytes(sizes: Sequence[PackBytes]) -> int:
    """What packs take together at the least: their sessions, and one call of the largest."""
    calls = max((size.call_bytes for size in sizes), default=0)
    return sum(size.session_bytes for size in sizes) + calls


def _whole(wish: Wish) -> tuple[int, str]:
    if wish.whole_bytes is None:
        return default_whole(wish.limit.limit_bytes), wish.limit.said_by
    if wish.whole_bytes > wish.limit.limit_bytes:
        raise HaversackError(
            "memory-too-small",
            f"--memory {format_bytes(wish.whole_bytes)} was given, and this process may use "
            f"{format_bytes(wish.limit.limit_bytes)}, says its {wish.limit.said_by}",
            hint="Leave --memory out: then the process takes what it may, less a reserve.",
            kind=Kind.UNAVAILABLE,
        )
    return wish.whole_bytes, "--memory"


def _sensible(left_bytes: int) -> int:
    """Half of what is left, so that packs can come; all of it where that is little."""
    most = left_bytes * _JSON_PART // (_JSON_PART + 1)
    half = max(most // 2, min(most, 2 * LEAST_REQUEST_BYTES))
    return max(min(half, MOST_REQUEST_BYTES), LEAST_REQUEST_BYTES)


def _too_small(wish: Wish, whole: int, said_by: str, parts: tuple[int, int, int]) -> HaversackError:
    bodies, photos, json = parts
    lines = [Line(name="runtime", size_bytes=wish.floor_bytes)]
    for pack in wish.pinned:
        name = f"{pack.name}, {pack.size.source}"
        lines.append(Line(name=name, size_bytes=pack.size.session_bytes))
    calls = max((pack.size.call_bytes for pack in wish.pinned), default=0)
    lines += [
        Line(name="one call of a model", size_bytes=calls),
        Line(name="one photo (--decode-limit)", size_bytes=photos),
        Line(name="parsed JSON", size_bytes=json),
    ]
    if wish.has_door:
        lines.append(Line(name="connections and bodies in memory", size_bytes=bodies))
    need = sum(line.size_bytes for line in lines)
    details = [f"{format_bytes(line.size_bytes):>9}  {line.name}" for line in lines]
    details.append(f"{format_bytes(need):>9}  together, and {format_bytes(whole)} are there")
    who = "server" if wish.has_door else "worker"
    has = "and --memory gives it" if said_by == "--memory" else f"and has, by its {said_by},"
    return HaversackError(
        "memory-too-small",
        f"the {who} needs {format_bytes(need)} of memory {has} {format_bytes(whole)}",
        hint=_what_fits(wish, whole - bodies, need),
        kind=Kind.UNAVAILABLE,
        details=tuple(details),
    )


def _what_fits(wish: Wish, whole: int, need: int) -> str:
    """The next step: a smaller photo, fewer packs, or more memory."""
    least = LEAST_REQUEST_BYTES * (_JSON_PART + 1) // _JSON_PART
    for kept in range(len(wish.pinned), 0, -1):
        packs = least_bytes([pack.size for pack in wish.pinned[:kept]])
        spare = whole - wish.floor_bytes - packs
        if spare < least:
            continue
        most = spare * _JSON_PART // (_JSON_PART + 1)
        photo = f"--decode-limit {most >> 20}M"
        if kept == len(wish.pinned):
            return f"It fits with {photo}."
        names = ", ".join(pack.name for pack in wish.pinned[:kept])
        smaller = f" and {photo}" if (wish.request_bytes or 0) > most else ""
        return (
            f"It fits with fewer packs: {names}{smaller}. Or name their folder instead of the "
            "packs: then those that do not fit are loaded when they are asked for."
        )
    return (
        f"Give it {format_bytes(need)} or more, or a smaller model: int8 weights take about a "
        "quarter of float32 ones."
    )
