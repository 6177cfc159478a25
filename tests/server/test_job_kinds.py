"""A new kind of job is a module and a line, whatever shows, takes or does jobs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx
from tests.integration.additions.copy import Copy, copied, stated
from tests.server.running import BLOBS, PHOTO, Server, started
from tests.server.test_jobs import ended

MODULE = Path(__file__).parents[1] / "integration" / "additions" / "count_kind.py"
LINE = '    KindEntry(kind=COUNT, command=Command(words=("haversack.serve.work.count_kind",))),\n'


def added_kind(copy: Copy) -> None:
    """One module, and one line of the table with its import."""
    copy.add("serve/work/count_kind.py", MODULE.read_text("utf-8"))
    line = "from haversack.serve.work.count_kind import COUNT\n"
    copy.insert("app/kinds.py", "from haversack.serve.work.predict_kind", line)
    # Behind the others: which of them is meant by default does not change.
    copy.insert("app/kinds.py", ")\n\n\ndef kinds_of(", LINE)


def test_a_kind_is_added_by_a_module_and_a_line(tmp_path: Path) -> None:
    copy, home = copied(tmp_path), tmp_path / "home"
    added_kind(copy)
    assert copy.touched() == stated("job kind")
    home.mkdir()
    state, photo = home / "state", PHOTO.read_bytes()
    words: list[str | Path] = [
        sys.executable,
        "-m",
        "haversack",
        "serve",
        "--port",
        "0",
        "--state",
        state,
        BLOBS,
    ]
    with started(words, home, PYTHONPATH=str(copy.folder)) as (url, process):
        server = Server(url=url, process=process, state=state, stderr=home / "stderr")

        answer = server.post("/jobs/blobs?kind=count&times=2", content=photo)
        job = ended(server, answer.headers["location"])
        assert (job["kind"], job["state"]) == ("count", "done"), job
        assert job["links"]["photo"]
        assert server.get(job["links"]["result"]).json() == {
            "bytes": 2 * len(photo),
            "files": [{"name": "count.txt", "bytes": len(str(2 * len(photo)))}],
        }
        file = server.get(f"{job['links']['self']}/files/count.txt")
        assert file.text == str(2 * len(photo))

        # What is sent without its name is what it was before.
        plain = ended(server, server.post("/jobs/blobs", content=photo).headers["location"])
        assert (plain["kind"], plain["state"]) == ("predict", "done")
        assert [one["id"] for one in server.get("/jobs?kind=count").json()["jobs"]] == [job["id"]]
        _check_refusals(server, photo)
        _check_page(server.get("/openapi.json").json())

        listed = copy.haversack("jobs", "list", "--kind", "count", "--state", state, "--json")
        assert json.loads(listed)["id"] == job["id"]
        assert "count.txt" in copy.haversack("jobs", "files", job["id"], "--server", url)


def _check_refusals(server: Server, photo: bytes) -> None:
    def refused(query: str) -> str:
        answer: httpx.Response = server.post(f"/jobs/blobs?{query}", content=photo)
        assert answer.status_code == 400
        return str(answer.json()["error"])

    assert refused("kind=count&times=10").startswith("times is '10'; a whole number")
    assert refused("kind=count&map=true") == "received map; a job of kind count takes times"
    assert refused("times=2") == "received times; a job of kind predict takes threshold, map"
    assert refused("kind=total").endswith("allowed are count, predict, survey")


def _check_page(page: dict[str, Any]) -> None:
    submit = {
        one["name"]: one["schema"] for one in page["paths"]["/jobs/{name}"]["post"]["parameters"]
    }
    assert submit["kind"] == {"enum": ["count", "predict", "survey"]}
    assert submit["times"] == {"type": "integer"}
    assert {"type": "object"} in page["components"]["schemas"]["JobResult"]["anyOf"]
    assert page["paths"]["/jobs/{name}/result"]["get"]["summary"].endswith("a number of bytes.")
