"""A request for every route, as callers send them; what they need is made on the way."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from tests.loop.hostile import encoded
from tests.loop.packs import DETECTOR, MAPPER, TENSORS

from haversack.packfile.archive import write_archive

Visit = Callable[["Caller"], Any]
PASSWORD = "correct horse battery"


@dataclass(kw_only=True)
class Caller:
    """Who asks: root, with everything that was made so far.

    Attributes:
        client: signed in.
        packs: folders of packs.
        photo: a JPEG of 3 MP.
        made: ids by what they stand for.
    """

    client: httpx.Client
    packs: list[Path]
    folder: Path
    photo: bytes = field(default_factory=encoded)
    made: dict[str, str] = field(default_factory=dict)
    surveying: threading.Lock = field(default_factory=threading.Lock)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.client.post(path, **options)

    def job(self, **query: Any) -> str:
        """The address of a photo's job, as soon as it has ended."""
        answer = self.post(f"/jobs/{DETECTOR}", content=self.photo, params=query)
        assert answer.status_code == 202, answer.text
        return self.ended(answer.headers["location"])

    def ended(self, address: str) -> str:
        """That job, as soon as it has ended."""
        until = time.monotonic() + 60
        while self.get(address).json()["state"] in ("queued", "running"):
            assert time.monotonic() < until, "the job does not end"
            time.sleep(0.05)
        return address

    def upload(self) -> str:
        """The address of an upload with one photo."""
        address: str = self.post("/uploads").headers["location"]
        self.post(address, params={"name": "a.jpg"}, content=self.photo)
        return address

    def survey(self) -> str:
        """The address of a survey that has ended: one for all, since it takes long."""
        with self.surveying:
            if "survey" not in self.made:
                self.made["survey"] = self._surveyed()
            return self.made["survey"]

    def _surveyed(self) -> str:
        upload = self.upload().rpartition("/")[2]
        answer = self.post(f"/jobs/{DETECTOR}", params={"upload": upload})
        assert answer.status_code == 202, answer.text
        return self.ended(answer.headers["location"])

    def archive(self) -> bytes:
        """A pack as a file, under another version."""
        path = self.folder / "sent.pack"
        if not path.exists():
            write_archive(self.packs[0], path)
        return path.read_bytes()


def _v1(photo: bytes, count: int = 1) -> dict[str, Any]:
    return {"instances": [{"b64": base64.b64encode(photo).decode()}] * count}


def _v2(photo: bytes) -> dict[str, Any]:
    text = base64.b64encode(photo).decode()
    return {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [text]}]}


def _rows(count: int = 50) -> dict[str, Any]:
    data = np.arange(1000 * count, dtype=np.float64).tolist()
    row = {"name": "rows", "shape": [count, 1000], "datatype": "FP32", "data": data}
    return {"inputs": [row]}


def _binary(values: np.ndarray[Any, Any], name: str, datatype: str) -> dict[str, Any]:
    told = {
        "inputs": [
            {
                "name": name,
                "shape": list(values.shape),
                "datatype": datatype,
                "parameters": {"binary_data_size": values.nbytes},
            }
        ]
    }
    head = json.dumps(told).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    return {"content": head + values.tobytes(), "headers": headers}


def _infer(path: str) -> Callable[[Caller], None]:
    def visit(caller: Caller) -> None:
        suffix = path.partition("{name}")[2]
        sums, photos = f"/v2/models/{TENSORS}{suffix}", f"/v2/models/{DETECTOR}{suffix}"
        pixels = np.zeros((1500, 2000, 3), np.uint8)
        _answered(caller.post(sums, json=_rows()))
        _answered(caller.post(sums, **_binary(np.zeros((500, 1000), np.float32), "rows", "FP32")))
        _answered(caller.post(photos, json=_v2(caller.photo)))
        caller.post(photos, **_binary(pixels, "image", "UINT8"))
        caller.post(photos, json=_v2(caller.photo), headers={"Prefer": "respond-async"})
        caller.post(photos, content=b"[" * 2_000_000)
        caller.post(photos, content=b'{"inputs": [' + b"{}," * 3_000_000 + b"{}]}")

    return visit


def _v1_visit(path: str) -> Callable[[Caller], None]:
    def visit(caller: Caller) -> None:
        suffix = path.partition("{name}")[2]
        _answered(caller.post(f"/v1/models/{DETECTOR}{suffix}", json=_v1(caller.photo, 3)))
        _answered(caller.post(f"/v1/models/{MAPPER}{suffix}", json=_v1(caller.photo)))
        many = {"instances": [[1.5] * 1000] * 50}
        _answered(caller.post(f"/v1/models/{TENSORS}{suffix}", json=many))
        caller.post(f"/v1/models/{DETECTOR}{suffix}", content=b'{"instances": ' + b"[" * 5_000_000)
        spaced = _v1(caller.photo) | {"signature_name": "x" * 1_000_000}
        caller.post(f"/v1/models/{DETECTOR}{suffix}", json=spaced)

    return visit


def _predict(path: str) -> Callable[[Caller], None]:
    def visit(caller: Caller) -> None:
        suffix = path.partition("{name}")[2]
        for name in (DETECTOR, MAPPER):
            at = f"/predict/{name}{suffix}"
            _answered(caller.post(at, content=caller.photo))
            _answered(caller.post(at, files={"image": ("a.jpg", caller.photo)}))
        _answered(caller.post(f"/predict/{MAPPER}{suffix}?map=true", content=caller.photo))
        fields = {f"field{number}": "x" for number in range(20_000)}
        caller.post(f"/predict/{DETECTOR}{suffix}", data=fields, files={"image": caller.photo})
        caller.post(f"/predict/{DETECTOR}{suffix}", files={"image": ("n" * 5000, caller.photo)})

    return visit


def _answered(answer: httpx.Response) -> httpx.Response:
    assert answer.status_code == 200, answer.text
    return answer


def _submit(path: str) -> Callable[[Caller], None]:
    def visit(caller: Caller) -> None:
        at = path.replace("{name}", DETECTOR).replace("{version}", "1")
        answer = caller.post(at, content=caller.photo)
        assert answer.status_code == 202, answer.text
        caller.ended(answer.headers["location"])

    return visit


def _get(path: str) -> Callable[[Caller], None]:
    def visit(caller: Caller) -> None:
        for name in (DETECTOR, TENSORS):
            at = path.replace("{name}", name).replace("{version}", "1")
            answer = caller.get(at)
            assert answer.status_code == 200, answer.text

    return visit


def _send_pack(caller: Caller) -> None:
    at = f"/packs/{DETECTOR}/versions/1"
    answer = caller.post("/packs", content=caller.archive())
    assert answer.status_code in (201, 409), answer.text
    caller.post("/packs", content=caller.archive()[:-100])
    caller.post("/packs", content=bytes(8 << 20))
    _answered(caller.get(at))


def _jobs(caller: Caller) -> None:
    _answered(caller.get("/jobs"))
    _answered(caller.get("/jobs", params={"limit": 100}))


def _events(caller: Caller) -> None:
    address = caller.job()
    with caller.client.stream("GET", f"{address}/events") as stream:
        for _ in stream.iter_lines():
            break


def _file(caller: Caller) -> None:
    address = caller.survey()
    _answered(caller.get(f"{address}/files/results.jsonl"))
    caller.get(f"{address}/files/report.html")


def _photo_of_job(caller: Caller) -> None:
    address = caller.survey()
    caller.get(f"{address}/photo", params={"name": "a.jpg"})
    caller.get(f"{address}/photo", params={"name": "a.jpg", "side": 400})


def _retry(caller: Caller) -> None:
    caller.post(f"{caller.job()}/retry")


def _cancel(caller: Caller) -> None:
    caller.client.delete(caller.job())
    answer = caller.post(f"/jobs/{DETECTOR}", content=caller.photo)
    caller.client.delete(answer.headers["location"])
    caller.ended(answer.headers["location"])


def _upload_photo(caller: Caller) -> None:
    address = caller.upload()
    for name in ("b.jpg", "c/d.jpg"):
        caller.post(address, params={"name": name}, content=caller.photo)
    caller.post(address, params={"name": "../x.jpg"}, content=caller.photo)
    caller.post(address, files={"image": ("e.jpg", caller.photo)})


def _sign_in(caller: Caller) -> None:
    for word in (PASSWORD, "wrong words here", "x" * 100_000):
        with httpx.Client(base_url=caller.client.base_url, timeout=60, verify=False) as browser:
            browser.post("/session", json={"user": "root", "password": word})
            browser.get("/session")
            browser.delete("/session")


def _load(caller: Caller) -> None:
    _answered(caller.post(f"/v2/repository/models/{MAPPER}/unload"))
    _answered(caller.post(f"/v2/repository/models/{MAPPER}/load"))


def _unload(caller: Caller) -> None:
    caller.post("/v2/repository/models/nobody/unload")
    caller.post("/v2/repository/models/nobody/load")


def visits() -> dict[str, Visit]:
    """By the operation's id; `page` and `samples` are the page's own."""
    found: dict[str, Visit] = {
        "infer": _infer("/v2/models/{name}/infer"),
        "infer_version": _infer("/v2/models/{name}/versions/1/infer"),
        "predict_photo": _predict("/predict/{name}"),
        "predict_photo_version": _predict("/predict/{name}/versions/1"),
        "predict_v1": _v1_visit("/v1/models/{name}:predict"),
        "predict_v1_version": _v1_visit("/v1/models/{name}/versions/1:predict"),
        "repository_index": lambda caller: caller.post("/v2/repository/index"),
        "repository_load": _load,
        "repository_unload": _unload,
        "pack_upload": _send_pack,
        "pack_download": lambda caller: caller.get(f"/packs/{MAPPER}/versions/1"),
        "pack_remove": lambda caller: caller.client.delete("/packs/nobody/versions/1"),
        "job_submit": _submit("/jobs/{name}"),
        "job_submit_version": _submit("/jobs/{name}/versions/{version}"),
        "jobs": _jobs,
        "job": lambda caller: caller.job(),
        "job_cancel": _cancel,
        "job_events": _events,
        "job_result": lambda caller: _answered(caller.get(f"{caller.job()}/result")),
        "job_file": _file,
        "job_photo": _photo_of_job,
        "job_retry": _retry,
        "upload_begin": lambda caller: caller.upload(),
        "upload_photo": _upload_photo,
        "upload": lambda caller: _answered(caller.get(caller.upload())),
        "upload_remove": lambda caller: caller.client.delete(caller.upload()),
        "session_begin": _sign_in,
        "session": lambda caller: caller.get("/session"),
        "session_end": _sign_in,
        "page": lambda caller: list(_page(caller)),
        "samples": lambda caller: list(_samples(caller)),
    }
    return found


def visit_of(operation_id: str, method: str, path: str) -> Visit:
    """Of one row of the table of routes; a GET without a visit of its own is a plain one."""
    own = visits().get(operation_id)
    if own is not None:
        return own
    assert method == "GET", f"{operation_id} has no visit: write one in tests/loop/visits.py"
    return _get(path)


def _page(caller: Caller) -> Iterator[httpx.Response]:
    yield caller.get("/", headers={"Accept": "text/html"})
    for name in (
        "main.js",
        "base.css",
        "tasks/table.js",
        "favicon.svg",
        "../page.py",
        "nothing.js",
    ):
        yield caller.get(f"/static/{name}")


def _samples(caller: Caller) -> Iterator[httpx.Response]:
    for row in caller.get("/samples").json()["samples"]:
        yield caller.get(row["url"])
