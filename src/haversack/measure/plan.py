"""What is to be measured, as plain values that travel to the measuring process and back."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

_PHOTO_MEGAPIXELS = (0.3, 1.2, 12.0, 24.0)
_BATCHES = (1, 2, 4, 8)


class CaseWish(msgspec.Struct, frozen=True, kw_only=True):
    """One case to measure.

    Attributes:
        megapixels: of a JPEG that is decoded and fitted; 0 to run the model alone.
        batch: photos or rows in one call of the model.
    """

    megapixels: float = 0.0
    batch: int = 1


class ChildWish(msgspec.Struct, frozen=True, kw_only=True):
    """What one measuring process is told, as JSON on its standard input.

    Attributes:
        pack: path of the pack.
        threads: inside one call.
        seconds: the longest that one case may be repeated.
        cases: in order.
    """

    pack: str
    threads: int
    seconds: float
    cases: tuple[CaseWish, ...]


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag="opened"):
    """The first thing a measuring process says."""

    runtime_bytes: int
    session_bytes: int


class Measured(msgspec.Struct, frozen=True, kw_only=True, tag="measured"):
    """What it says after each case; see `packfile.profile.Case`."""

    megapixels: float
    batch: int
    threads: int
    seconds: float
    peak_bytes: int


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """What it says where the pack, or one case, cannot be run."""

    message: str


Said = Opened | Measured | Refused
"""One line of a measuring process's standard output."""


@dataclass(frozen=True, kw_only=True)
class ProfileOptions:
    """How much is measured.

    Attributes:
        quick: fewer cases, on one number of threads.
        seconds_a_case: the longest that one case may be repeated.
        most_seconds: after which no further case is begun.
    """

    quick: bool = False
    seconds_a_case: float = 1.0
    most_seconds: float = 60.0


def cases_of(options: ProfileOptions, *, photos: bool, batches: bool) -> tuple[CaseWish, ...]:
    """The cases for a pack that takes photos or not, in batches or one by one."""
    many = _BATCHES[:3:2] if options.quick else _BATCHES
    sizes = _PHOTO_MEGAPIXELS[1:3] if options.quick else _PHOTO_MEGAPIXELS
    model = tuple(CaseWish(batch=batch) for batch in (many if batches else many[:1]))
    return (*model, *(CaseWish(megapixels=size) for size in sizes if photos))


def threads_of(options: ProfileOptions, cpus: int) -> tuple[int, ...]:
    """The numbers of threads to measure: first what a server would use, then 1 and all CPUs."""
    served = max(1, cpus // 2)
    return (served,) if options.quick else tuple(dict.fromkeys((served, 1, cpus)))
