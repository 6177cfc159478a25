"""What a server is told to keep of jobs, and what it refuses to be told."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.server.quick_blobs import QUICK_BLOBS
from tests.server.running import PHOTO, refused, serving
from tests.server.test_jobs import ended, submit

from haversack.jobs.services import JobLocations, open_services
from haversack.jobs.tidier import Tidier


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--keep-jobs", "0d"), "an age above 0 is needed; received '0d'"),
        (("--keep-photos", "soon"), "received 'soon'"),
        (("--results-quota", "0"), "a size above 0 is needed"),
        (("--most-jobs", "0"), "0 is not in the range"),
        (("--webhook-secret", "nothing-here"), "nothing-here"),
    ],
)
def test_what_makes_no_sense_is_refused_at_the_start(
    tmp_path: Path, words: tuple[str, str], said: str
) -> None:
    done = refused(tmp_path, QUICK_BLOBS, *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_what_the_server_was_told_holds_for_whoever_tidies(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with serving(tmp_path, QUICK_BLOBS, "--state", state, "--keep-photos", "1s") as server:
        address = submit(server)
        ended(server, address)
        assert server.get(f"{address}/photo").content == PHOTO.read_bytes()
        services = open_services(JobLocations(state=state))  # as a worker beside it does
        tidier = Tidier(services, ())
        while not services.store.find(address.rpartition("/")[2]).input_removed:
            tidier.tidy()
        services.store.close()
        gone = server.get(f"{address}/photo")
        assert (gone.status_code, gone.json()["code"]) == (410, "job-input-removed")
        assert server.get(f"{address}/result").status_code == 200
