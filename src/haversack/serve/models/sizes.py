"""What a pack takes in memory, from the best source there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from haversack.engine.devices import CPU, Device
from haversack.packfile.archive import PackFiles
from haversack.packfile.profile import Profile, find, shipped

# Estimates, for a pack that nobody has measured: FastestDet (1 MB of weights) kept 15 MiB and
# YOLOX-Nano (3.6 MB) 19 MiB, of which 10 are the runtime's own first session; a call took 15 and
# 17 MiB, 122 and 97 bytes a pixel of their inputs (2 vCPU, 2026-11-21, `haversack pack profile`).
_SESSION_FIXED_BYTES = 12 << 20
_SESSION_PER_FILE_BYTE = 1.5
_OPENING_PER_FILE_BYTE = 2.0
_CALL_PER_PIXEL = 128
_CALL_FIXED_BYTES = 4 << 20
# On a GPU: choices on the safe side. What a session keeps there is measured once it is opened.
_DEVICE_FIXED_BYTES = 256 << 20
_DEVICE_CALLS = 2


@dataclass(frozen=True, kw_only=True)
class PackBytes:
    """What one pack takes of the machine's memory, and of devices that have their own.

    Attributes:
        session_bytes: as long as it is loaded.
        call_bytes: each call of its model, besides.
        row_bytes: each further row of a call.
        opening_bytes: while it is opened, above what it keeps.
        source: where the numbers come from, for people.
        elsewhere: what it takes of other devices' memory, by device.
    """

    session_bytes: int
    call_bytes: int
    row_bytes: int = 0
    opening_bytes: int = 0
    source: str = "estimated"
    elsewhere: Mapping[Device, PackBytes] = field(default_factory=dict)

    def on(self, device: Device) -> PackBytes:
        """What it takes of one device's memory; "cpu" stands for the machine's."""
        return self if device == CPU else self.elsewhere.get(device, NOTHING)

    def call_of(self, rows: int) -> int:
        """What a call for so many photos or rows takes."""
        return self.call_bytes + self.row_bytes * (rows - 1)

    def while_opening(self) -> PackBytes:
        """The size while it is opened: what opening takes may lie in the room of a call."""
        extra = max(self.opening_bytes - self.call_bytes, 0)
        elsewhere = {device: size.while_opening() for device, size in self.elsewhere.items()}
        return replace(self, session_bytes=self.session_bytes + extra, elsewhere=elsewhere)

    def at_least(self, other: PackBytes) -> PackBytes:
        """The larger of both in every number; the source is the other's."""
        return PackBytes(
            session_bytes=max(self.session_bytes, other.session_bytes),
            call_bytes=max(self.call_bytes, other.call_bytes),
            row_bytes=max(self.row_bytes, other.row_bytes),
            opening_bytes=max(self.opening_bytes, other.opening_bytes),
            source=other.source,
            elsewhere=other.elsewhere or self.elsewhere,
        )


NOTHING = PackBytes(session_bytes=0, call_bytes=0)


class Sizes:
    """Sizes of packs: measured in this process, profiled on this machine, hinted, estimated.

    Safe to use from several threads.

    Args:
        cache: folder with this machine's profiles; None for none.
        device: that packs are opened on.
    """

    def __init__(self, cache: Path | None = None, device: Device = CPU) -> None:
        self._cache = cache
        self._device = device
        self._seen: dict[str, PackBytes] = {}

    def of(self, files: PackFiles) -> PackBytes:
        """What the pack takes, as far as is known before it is opened."""
        seen = self._seen.get(files.digest)
        if seen is not None:
            return seen
        estimate = _estimated(files)
        if self._device != CPU:
            estimate = replace(estimate, elsewhere={self._device: estimated_on_device(files)})
        own = self.own_profile(files)
        if own is not None:
            return _profiled(own, "profile", estimate)
        hint = shipped(files)
        return estimate if hint is None else _profiled(hint, "the pack's own profile", estimate)

    def own_profile(self, files: PackFiles) -> Profile | None:
        """What was measured of the pack on this very machine; None where nothing was."""
        return find(self._cache, files.digest) if self._cache is not None else None

    def learn(self, files: PackFiles, measured: PackBytes) -> PackBytes:
        """Keep what was measured when the pack was opened here. Returns what to reckon with.

        A measured estimate is replaced, a profile only raised: it has seen more than two blanks.
        """
        known = self.of(files)
        better = measured if known.source == "estimated" else known.at_least(measured)
        better = replace(better, elsewhere=measured.elsewhere or known.elsewhere)
        self._seen[files.digest] = better
        return better


def _profiled(profile: Profile, source: str, estimate: PackBytes) -> PackBytes:
    memory = profile.memory
    return PackBytes(
        session_bytes=memory.session_bytes,
        call_bytes=memory.call_bytes,
        row_bytes=memory.row_bytes,
        opening_bytes=estimate.opening_bytes,
        source=source,
        elsewhere=estimate.elsewhere,
    )


def _estimated(files: PackFiles) -> PackBytes:
    """From the sizes of the graphs, and of the network's input."""
    graphs = _graphs_bytes(files)
    size = files.manifest.input
    pixels = size.width * size.height if size is not None else 0
    return PackBytes(
        session_bytes=_SESSION_FIXED_BYTES + int(graphs * _SESSION_PER_FILE_BYTE),
        call_bytes=_CALL_FIXED_BYTES + pixels * _CALL_PER_PIXEL,
        row_bytes=pixels * _CALL_PER_PIXEL,
        opening_bytes=int(graphs * _OPENING_PER_FILE_BYTE),
    )


def estimated_on_device(files: PackFiles) -> PackBytes:
    """The weights, what a call takes on a CPU twice over, and the kernels of the first session."""
    host = _estimated(files)
    return PackBytes(
        session_bytes=_DEVICE_FIXED_BYTES + int(_graphs_bytes(files) * _SESSION_PER_FILE_BYTE),
        call_bytes=_DEVICE_CALLS * host.call_bytes,
        row_bytes=_DEVICE_CALLS * host.row_bytes,
    )


def measured_on_device(files: PackFiles, kept_bytes: int) -> PackBytes:
    """What a session took of a device's free memory; a call is not seen, and estimated.

    Never less than the weights, which all lie there: another program may have given memory back
    meanwhile, and then what is free fell by less, or rose.
    """
    weights = _graphs_bytes(files)
    return replace(
        estimated_on_device(files),
        session_bytes=max(kept_bytes, weights),
        source="measured here" if kept_bytes >= weights else "the size of its weights",
    )


def _graphs_bytes(files: PackFiles) -> int:
    """Bytes on disk of everything but the samples; of the whole file for a .pack."""
    if files.location.is_file():
        return files.location.stat().st_size
    names = [name for name in files.names if not name.startswith("samples/")]
    return sum(path.stat().st_size for name in names if (path := files.path(name)) is not None)
