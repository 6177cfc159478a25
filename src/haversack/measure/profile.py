"""A pack measured on this machine, in child processes, within a time."""

from __future__ import annotations

import datetime
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata

import msgspec

from haversack.engine.cpus import usable_cpus
from haversack.errors import EngineError, Kind
from haversack.measure.fit import fit_formula
from haversack.measure.plan import (
    CaseWish,
    ChildWish,
    Measured,
    Opened,
    ProfileOptions,
    Refused,
    Said,
    cases_of,
    threads_of,
)
from haversack.packfile.archive import PackFiles
from haversack.packfile.profile import Case, Machine, Profile

_CHILD = (sys.executable, "-m", "haversack.measure.child")
# One case may take long on a slow machine, but no case is waited for without end.
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """The clocks that a measurement reads.

    Attributes:
        rising: seconds, for durations.
        now: the date that a profile gets.
    """

    rising: Callable[[], float] = time.monotonic
    now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC)


def measure_pack(
    files: PackFiles,
    options: ProfileOptions,
    on_case: Callable[[Measured], None] = lambda case: None,
    clocks: Clocks | None = None,
) -> Profile:
    """Measure a pack's memory and latency here.

    One process for each number of threads, one after the other; no further case is begun after
    `options.most_seconds`, but the first process always ends its list.

    Args:
        on_case: called after each case.

    Raises:
        EngineError: `measure-failed`, with what the measuring process said.
    """
    clocks = clocks or Clocks()
    end = clocks.rising() + options.most_seconds
    opened: list[Opened] = []
    cases: list[Measured] = []
    for threads in threads_of(options, usable_cpus()):
        if cases and clocks.rising() > end:
            break
        is_first = not cases
        for said in _said(_wish(files, options, threads)):
            if isinstance(said, Opened):
                opened.append(said)
                continue
            cases.append(said)
            on_case(said)
            if not is_first and clocks.rising() > end:
                break
    return Profile(
        format=1,
        name=files.manifest.name,
        version=files.manifest.version,
        digest=files.digest,
        created=clocks.now().replace(microsecond=0),
        machine=_machine(),
        memory=fit_formula(opened, cases),
        cases=tuple(Case(**msgspec.structs.asdict(case)) for case in cases),
    )


def _wish(files: PackFiles, options: ProfileOptions, threads: int) -> ChildWish:
    cases: tuple[CaseWish, ...] = cases_of(
        options,
        photos=files.manifest.takes_photos,
        batches=files.manifest.signature.takes_batches,
    )
    seconds = options.seconds_a_case / (4 if options.quick else 1)
    return ChildWish(pack=str(files.location), threads=threads, seconds=seconds, cases=cases)


def _said(wish: ChildWish) -> Iterator[Opened | Measured]:
    """What one measuring process says, line by line; it is ended when nobody listens any more."""
    with subprocess.Popen(
        _CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        ended = False
        try:
            child.stdin.write(msgspec.json.encode(wish))
            child.stdin.close()
            for line in child.stdout:
                said = msgspec.json.decode(line, type=Said)
                if isinstance(said, Refused):
                    raise _failed(said.message)
                yield said
            ended = True
        finally:
            if not ended:
                child.kill()
            complaint = child.stderr.read().decode(errors="replace").strip()
            status = child.wait(_PATIENCE_SECONDS)
        if status:
            raise _failed(complaint.rsplit("\n", 1)[-1] or f"it ended with status {status}")


def _failed(reason: str) -> EngineError:
    return EngineError(
        "measure-failed",
        f"the pack could not be measured: {reason}",
        hint="See whether it runs at all: haversack pack verify PACK. Status -9 is the system's "
        "way of saying that memory ran out.",
        kind=Kind.UNAVAILABLE,
    )


def _machine() -> Machine:
    return Machine(
        cpus=usable_cpus(),
        machine=platform.machine(),
        system=f"{platform.system()} {platform.release()}",
        runtime=f"onnxruntime {metadata.version('onnxruntime')}",
    )
