"""Jobs a second in batches of 1, 2, 4 and 8, beside what the pack's measured curve promises.

    python benchmarks/jobs_batches.py PACK PHOTO... [--jobs 200] [--rounds 3]

Each batch size is forced by a profile that says that it pays, in a cache of its own; `haversack
worker` does the jobs, all of them put before it starts. The time is from the first claim to the
last report, by the database's rows. "curve" is the model alone, as `haversack pack profile` has it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from haversack.engine.cpus import usable_cpus
from haversack.jobs.intake import wish
from haversack.jobs.job import Job, State
from haversack.jobs.services import JobLocations, JobServices, open_services
from haversack.measure.plan import ProfileOptions
from haversack.measure.profile import measure_pack
from haversack.packfile.archive import PackFiles, open_pack
from haversack.packfile.profile import Case, Profile, store
from haversack.serve.models.batches import paying_batch

_COMMAND = Path(sys.executable).with_name("haversack")
_BATCHES = (1, 2, 4, 8)
_THREADS = max(1, usable_cpus() // 2)


def forced(profile: Profile, batch: int) -> Profile:
    """The profile, with a curve by which that batch pays and no other."""
    curve = {1: 0.5} | ({batch: 0.5} if batch > 1 else {})
    cases = tuple(
        Case(megapixels=0, batch=size, threads=_THREADS, seconds=seconds, peak_bytes=0)
        for size, seconds in curve.items()
    )
    return replace(profile, cases=cases)


def jobs_a_second(pack: PackFiles, profile: Profile, photos: Sequence[bytes], count: int) -> float:
    """One worker's, with that profile in its cache."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store(home / "cache" / "haversack", profile)
        services = open_services(JobLocations(state=home / "state"))
        name = pack.manifest.name
        put = [
            services.intake.submit(wish(name, kind="predict"), photos[n % len(photos)])
            for n in range(count)
        ]
        words = [str(_COMMAND), "worker", str(pack.location), "--state", str(home / "state")]
        env = {"PATH": os.environ["PATH"], "HOME": folder, "XDG_CACHE_HOME": str(home / "cache")}
        quiet = subprocess.DEVNULL
        worker = subprocess.Popen(words, env=env, cwd=folder, stdout=quiet, stderr=quiet)
        try:
            done = finished(services, put, worker)
        finally:
            worker.terminate()
            worker.wait()
            services.store.close()
    began = min(job.started or 0.0 for job in done)
    return count / (max(job.finished or 0.0 for job in done) - began)


def finished(
    services: JobServices, put: Sequence[Job], worker: subprocess.Popen[bytes]
) -> list[Job]:
    """The jobs when all are done."""
    while not services.store.find(put[-1].id).state.is_terminal or services.store.usage().queued:
        assert worker.poll() is None, "the worker ended"
        time.sleep(0.2)
    time.sleep(0.5)
    done = [services.store.find(job.id) for job in put]
    assert {job.state for job in done} == {State.DONE}
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pack", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    pack, photos = open_pack(given.pack), [path.read_bytes() for path in given.photos]
    profile = measure_pack(pack, ProfileOptions(seconds_a_case=2.0))
    curve = {
        c.batch: c.seconds for c in profile.cases if c.threads == _THREADS and not c.megapixels
    }
    print(f"{pack.manifest.name}, {_THREADS} threads a call; ", end="")
    print(f"the rule takes {paying_batch(profile, _THREADS, 1 << 40)} at once")
    print(f"{'batch':>6}{'curve, photos/s':>18}{'jobs/s':>10}")
    rates: dict[int, list[float]] = {batch: [] for batch in _BATCHES}
    for _ in range(given.rounds):
        for batch in _BATCHES:
            profiled = forced(profile, batch)
            rates[batch].append(jobs_a_second(pack, profiled, photos, given.jobs))
    for batch, found in rates.items():
        print(f"{batch:6}{batch / curve[batch]:18.1f}{statistics.median(found):10.1f}")


if __name__ == "__main__":
    main()
