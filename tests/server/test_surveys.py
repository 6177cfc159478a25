"""Many photos as one job: sent one by one, looked at beside requests, resumed after a kill."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tests.integration.survey_material import save, scene
from tests.server.running import BLOBS, Server, serving
from tests.server.test_jobs import KEYS, ended, eventually
from tests.shell import haversack

Photos = Mapping[str, bytes]
_STATUS = {"queued", "running"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    folder = tmp_path_factory.mktemp("photos")
    found = {}
    for number in range(6):
        name = f"{'north' if number % 2 else 'south'}/IMG_{number}.png"
        found[name] = _png(folder, number)
    return found


def _png(folder: Path, number: int, width: int = 500, height: int = 330) -> bytes:
    path = save(folder / f"{number}.png", scene(number, width, height))
    return path.read_bytes()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("surveys"), BLOBS) as running:
        yield running


def uploaded(server: Server, photos: Photos, **options: Any) -> str:
    """The id of an upload that has them all."""
    begun = server.post("/uploads", **options)
    assert begun.status_code == 201, begun.text
    address = begun.headers["location"]
    for name, data in photos.items():
        sent = server.post(address, params={"name": name}, content=data, **options)
        assert sent.status_code == 201, sent.text
        assert sent.json() == {"name": name, "bytes": len(data)}
    upload: str = begun.json()["id"]
    return upload


def surveyed(server: Server, photos: Photos, **query: Any) -> str:
    """The address of a survey of them."""
    upload = uploaded(server, photos)
    answer = server.post("/jobs/blobs", params={"upload": upload, **query})
    assert answer.status_code == 202, answer.text
    address: str = answer.headers["location"]
    assert address == f"/jobs/{upload}"
    return address


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_survey_gives_what_survey_run_gives(
    server: Server, photos: Photos, tmp_path: Path
) -> None:
    address = surveyed(server, photos, name="Two transects", tile=300, overlap=32)
    job = ended(server, address)
    assert (job["state"], job["kind"], job["image"], job["photos"]) == (
        "done", "survey", "Two transects", 6,
    )  # fmt: skip
    assert job["progress"] == {"done": 6, "total": 6}

    for name, data in photos.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    run(tmp_path, "survey", "run", "in", "--pack", BLOBS, "--out", "run", "--tile", "300",
        "--overlap", "32", "--threads", "2", "--batch", "1", "--quiet")  # fmt: skip
    run(tmp_path, "survey", "export", "run", "--format", "jsonl")
    lines = (tmp_path / "run" / "exports" / "results.jsonl").read_text().splitlines()
    alone = [json.loads(line) for line in lines]
    records = server.get(f"{address}/files/results.jsonl").text.splitlines()
    assert [_plain(json.loads(line)) for line in records] == [_plain(one) for one in alone]
    result = server.get(job["links"]["result"]).json()
    assert result["photos"] == {"done": 6}
    assert sum(result["objects"].values()) == sum(len(one["detections"]) for one in alone) > 0


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "timing"}


def run(folder: Path, *words: str | Path) -> str:
    ran = haversack(*words, cwd=folder)
    assert ran.status == 0, ran.err
    return ran.out


def test_each_photo_of_the_index_leads_to_its_record_and_its_bytes(
    server: Server, photos: Photos
) -> None:
    address = surveyed(server, photos)
    ended(server, address)
    rows = server.get(f"{address}/files/photos.json").json()
    assert [row["name"] for row in rows] == sorted(photos)
    for row in rows:
        span = f"bytes={row['start']}-{row['start'] + row['size'] - 1}"
        part = server.get(f"{address}/files/results.jsonl", headers={"Range": span})
        assert part.status_code == 206
        record = part.json()
        assert record["image"] == row["name"]
        assert len(record["detections"]) >= sum(row["objects"].values())
        photo = server.get(f"{address}/photo", params={"name": row["name"]})
        assert photo.content == photos[row["name"]]
        assert photo.headers["content-type"] == "image/png"
    beyond = server.get(f"{address}/files/results.jsonl", headers={"Range": "bytes=99999999-"})
    assert code(beyond) == (416, "range-unsatisfiable")


def test_every_file_that_the_result_names_is_there(server: Server, photos: Photos) -> None:
    address = surveyed(server, photos, name="<b>Herd</b>")
    job = ended(server, address)
    files = {one["name"]: one["bytes"] for one in server.get(f"{address}/result").json()["files"]}
    assert {"report.html", "counts.csv", "megadetector.json", "photos.json"} <= set(files)
    for name, size in files.items():
        answer = server.get(f"{address}/files/{name}")
        assert (answer.status_code, len(answer.content)) == (200, size)
        assert answer.headers["x-content-type-options"] == "nosniff"
        tag = {"If-None-Match": answer.headers["etag"]}
        assert server.get(f"{address}/files/{name}", headers=tag).status_code == 304
    report = server.get(f"{address}/files/report.html").text
    assert "<b>Herd</b>" not in report
    assert str(server.state) not in report  # where photos lie is nobody's business
    assert "../photo?name=south%2FIMG_" in report
    assert code(server.get(f"{address}/files/nothing.csv")) == (404, "job-file-missing")
    assert code(server.get(f"{address}/photo?name=nothing.png")) == (404, "job-file-missing")
    assert job["links"]["photo"] is None


def test_a_cut_upload_may_be_sent_again_and_a_job_is_made_once(
    server: Server, photos: Photos
) -> None:
    upload = uploaded(server, photos)
    name, data = next(iter(photos.items()))
    again = server.post(f"/uploads/{upload}", params={"name": name}, content=data)
    assert again.status_code == 200
    other = server.post(f"/uploads/{upload}", params={"name": name}, content=data + b"x")
    assert code(other) == (409, "photo-name-taken")
    shown = server.get(f"/uploads/{upload}").json()
    assert (shown["photos"], shown["names"]) == (6, sorted(photos))
    assert shown["bytes"] == sum(map(len, photos.values()))

    made = [server.post("/jobs/blobs", params={"upload": upload}) for _ in range(2)]
    assert {one.json()["id"] for one in made} == {upload}
    different = server.post("/jobs/blobs", params={"upload": upload, "tile": 100})
    assert code(different) == (409, "job-differs")
    late = server.post(f"/uploads/{upload}", params={"name": "late.png"}, content=data)
    assert late.status_code in (404, 409)
    assert ended(server, f"/jobs/{upload}")["state"] == "done"


def test_what_cannot_be_a_survey_is_refused_and_the_upload_stays(
    server: Server, photos: Photos
) -> None:
    upload = uploaded(server, {})
    ask = {"upload": upload}
    assert code(server.post("/jobs/blobs", params=ask)) == (400, "upload-empty")
    for name in ("../a.png", "/a.png", "notes.txt", "a\\b.png", ""):
        bad = server.post(f"/uploads/{upload}", params={"name": name}, content=b"x")
        assert code(bad) == (400, "photo-name-invalid"), name
    assert code(server.post(f"/uploads/{upload}?name=a.png")) == (400, "image-empty")
    server.post(f"/uploads/{upload}?name=a.png", content=photos["south/IMG_0.png"])
    for query in ("tile=5", "tile=x", "tile=64&overlap=64", "tile=whole&overlap=3", "overview=9"):
        bad = server.post(f"/jobs/blobs?upload={upload}&{query}")
        assert code(bad) == (400, "query-invalid"), query
    assert code(server.post("/jobs/herd", params=ask)) == (404, "pack-not-loaded")
    nowhere = server.post("/jobs/blobs", params={"upload": "f" * 32})
    assert code(nowhere) == (404, "upload-not-found")
    assert server.get(f"/uploads/{upload}").json()["photos"] == 1
    assert server.delete(f"/uploads/{upload}").status_code == 204
    assert code(server.get(f"/uploads/{upload}")) == (404, "upload-not-found")


def test_a_photo_that_cannot_be_read_is_told_and_the_others_are_done(
    server: Server, photos: Photos
) -> None:
    address = surveyed(server, {**photos, "broken.jpg": b"no photo at all"})
    assert ended(server, address)["state"] == "done"
    result = server.get(f"{address}/result").json()
    assert result["photos"] == {"done": 6, "failed": 1}
    assert [one["photo"] for one in result["problems"]] == ["broken.jpg"]


def test_whole_photos_give_what_predict_gives(server: Server, photos: Photos) -> None:
    address = surveyed(server, photos, tile="whole")
    ended(server, address)
    for line in server.get(f"{address}/files/results.jsonl").text.splitlines():
        record = json.loads(line)
        direct = server.post("/predict/blobs", content=photos[record["image"]]).json()
        assert np.array([one["box"] for one in record["detections"]]) == pytest.approx(
            np.array([one["box"] for one in direct["detections"]]), abs=0.02
        )


def test_a_browser_is_led_to_the_page_that_shows_the_job(server: Server, photos: Photos) -> None:
    address = surveyed(server, photos)
    answer = server.get(address, headers={"Accept": "text/html,*/*"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (
        303, f"/#job={address.rpartition('/')[2]}",
    )  # fmt: skip
    ended(server, address)
    listed = server.get("/jobs", params={"kind": "survey"}).json()["jobs"]
    assert {one["kind"] for one in listed} == {"survey"}
    assert address in {one["links"]["self"] for one in listed}


def test_a_survey_holds_up_neither_requests_nor_small_jobs(
    server: Server, photos: Photos, tmp_path: Path
) -> None:
    large = {f"{n}.png": _png(tmp_path, n, 600, 400) for n in range(25)}
    address = surveyed(server, large, tile=300, overlap=0)
    eventually(lambda: server.get(address).json()["progress"]["done"] >= 1)
    direct = server.post("/predict/blobs", content=photos["south/IMG_0.png"])
    assert direct.status_code == 200
    small = server.post("/jobs/blobs", content=photos["south/IMG_0.png"])
    assert ended(server, small.headers["location"])["state"] == "done"
    shown = server.get(address).json()
    assert shown["state"] == "running"
    assert shown["eta_seconds"] > 0
    cancelled = server.delete(address)
    assert cancelled.json()["state"] == "cancelled"
    eventually(lambda: not _working(server, address))


def _working(server: Server, address: str) -> bool:
    return (server.state / "surveys" / address.rpartition("/")[2] / "run").exists() and bool(
        [t for t in _threads(server.process.pid) if t.startswith("survey-")]
    )


def _threads(pid: int) -> list[str]:
    return [p.read_text().strip() for p in Path(f"/proc/{pid}/task").glob("*/comm")]


@pytest.mark.slow
def test_a_killed_survey_goes_on_where_it_was(tmp_path: Path) -> None:
    large = {f"{n:02}.png": _png(tmp_path, n, 600, 400) for n in range(14)}
    state = tmp_path / "state"
    with serving(tmp_path, BLOBS, "--state", state) as server:
        address = surveyed(server, large, tile=300, overlap=0)
        eventually(lambda: server.get(address).json()["progress"]["done"] >= 3)
        server.process.kill()
        server.process.wait()
    with serving(tmp_path, BLOBS, "--state", state) as server:
        seen: list[int] = []

        def look() -> bool:
            job = server.get(address).json()
            if job["state"] == "running":
                seen.append(job["progress"]["done"])
            return job["state"] not in _STATUS

        eventually(look)
        job = server.get(address).json()
        assert (job["state"], job["attempts"]) == ("done", 2)
        assert server.get(f"{address}/result").json()["photos"] == {"done": 14}
        assert min(seen) >= 3


@pytest.mark.slow
def test_a_server_that_ends_hands_its_survey_back(tmp_path: Path) -> None:
    large = {f"{n:02}.png": _png(tmp_path, n, 600, 400) for n in range(14)}
    state = tmp_path / "state"
    with serving(tmp_path, BLOBS, "--state", state) as server:
        address = surveyed(server, large, tile=300, overlap=0)
        eventually(lambda: server.get(address).json()["progress"]["done"] >= 2)
        began = time.monotonic()
        server.process.terminate()
        assert server.process.wait(20) == 0
        assert time.monotonic() - began < 8
    with serving(tmp_path, BLOBS, "--state", state) as server:
        job = ended(server, address)
        assert (job["state"], job["attempts"]) == ("done", 1)


def test_someone_sees_only_his_own_uploads_and_files(tmp_path: Path, photos: Photos) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"ada:{KEYS['ada']}:jobs,infer\nbob:{KEYS['bob']}:jobs,infer\n")
    keys.chmod(0o600)
    with serving(tmp_path, BLOBS, "--keys", keys) as server:
        ada, bob = ({"Authorization": f"Bearer {KEYS[who]}"} for who in ("ada", "bob"))
        upload = uploaded(server, photos, headers=ada)
        for answer in (
            server.get(f"/uploads/{upload}", headers=bob),
            server.post(f"/uploads/{upload}?name=x.png", content=b"x", headers=bob),
            server.delete(f"/uploads/{upload}", headers=bob),
            server.post(f"/jobs/blobs?upload={upload}", headers=bob),
        ):
            assert code(answer) == (404, "upload-not-found")
        server.post(f"/jobs/blobs?upload={upload}", headers=ada)
        address = f"/jobs/{upload}"
        ended(server, address, headers=ada)
        for path in ("", "/result", "/files/report.html", "/photo?name=south/IMG_0.png"):
            assert code(server.get(address + path, headers=bob)) == (404, "job-not-found")
            assert server.get(address + path, headers=ada).status_code == 200
            assert server.get(address + path).status_code == 401


def test_many_may_send_at_once(server: Server, photos: Photos) -> None:
    upload = server.post("/uploads").json()["id"]
    faults: list[str] = []

    def send(name: str, data: bytes) -> None:
        answer = server.post(f"/uploads/{upload}", params={"name": name}, content=data)
        if answer.status_code not in (200, 201):
            faults.append(answer.text)

    pairs = [*photos.items()] * 3
    threads = [threading.Thread(target=send, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert server.get(f"/uploads/{upload}").json()["photos"] == len(photos)


@pytest.mark.parametrize("by", ["server", "state"])
def test_the_command_sends_a_folder_and_fetches_what_was_found(
    server: Server, photos: Photos, tmp_path: Path, by: str
) -> None:
    for name, data in photos.items():
        (tmp_path / "flight 7" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "flight 7" / name).write_bytes(data)
    door = ("--server", server.url) if by == "server" else ("--state", server.state)
    words = ("jobs", "survey", "blobs", "flight 7", "--tile", "300", "--json", *door)
    job = json.loads(run(tmp_path, *words))
    assert (job["kind"], job["image"], job["photos"]) == ("survey", "flight 7", 6)
    result = json.loads(run(tmp_path, "jobs", "wait", job["id"], *door))
    assert result["photos"] == {"done": 6}
    run(tmp_path, "jobs", "files", job["id"], "--out", "found", *door)
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "found").iterdir()}
    assert sizes == {one["name"]: one["bytes"] for one in result["files"]}
    listed = run(tmp_path, "jobs", "list", "--kind", "survey", *door)
    assert job["id"] in listed


def test_the_command_goes_on_with_an_upload_that_broke_off(
    server: Server, photos: Photos, tmp_path: Path
) -> None:
    names = sorted(photos)
    upload = uploaded(server, {name: photos[name] for name in names[:2]})
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(photos[name])
    words = ("jobs", "survey", "blobs", "north", "south", "--upload", upload, "--json")
    job = json.loads(run(tmp_path, *words, "--server", server.url))
    assert (job["id"], job["photos"]) == (upload, 6)
    ended(server, f"/jobs/{upload}")
