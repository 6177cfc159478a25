"""What a server answers: photos, V1, V2, packs, jobs and surveys; and what it refuses."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.golden.bench import Shell
from tests.golden.masks import masked
from tests.golden.material import chequered, coloured, patched
from tests.integration.survey_material import save
from tests.server.running import PHOTO, Server, serving

Json = dict[str, Any]
_SHOWN = (
    *("content-type", "location", "retry-after", "allow", "link", "preference-applied"),
    *("inference-header-content-length", "cache-control", "content-disposition", "vary"),
)
NAMES = ("spots", "few", "shades", "means", "tiny")
_ROWS = {"name": "rows", "shape": [2, 4], "datatype": "FP32", "data": [0.125 * i for i in range(8)]}


@dataclass
class Talk:
    """Requests and answers, in the order of asking."""

    server: Server
    told: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send, write down, and give the answer."""
        answer = httpx.request(method, self.server.url + path, timeout=60, verify=False, **options)
        query = "".join(f" {name}={value}" for name, value in options.get("params", {}).items())
        headers = {name: answer.headers[name] for name in _SHOWN if name in answer.headers}
        self.told.append(f"> {method} {path}{query} {_sent(options)}".rstrip())
        self.told.append(f"< {answer.status_code} {json.dumps(headers)}")
        self.told.append(_body(answer) + "\n")
        return answer

    def text(self) -> str:
        return "\n".join(self.told)


def _sent(options: Mapping[str, Any]) -> str:
    if "json" in options:
        text = json.dumps(options["json"])
        return text if len(text) < 500 else f"{text[:80]}... ({len(text)})"
    if "files" in options:
        return f"form {list(options['files'])} {options.get('data', {})}"
    return f"{len(options['content'])} bytes" if "content" in options else ""


def _body(answer: httpx.Response) -> str:
    kind = answer.headers.get("content-type", "")
    if "json" in kind or kind.startswith("text/plain"):
        return _LONG_LIST.sub(_first, answer.text)
    length = int(answer.headers.get("inference-header-content-length", 0))
    if length:
        return f"{answer.content[:length].decode()} + {answer.content[length:].hex()}"
    return f"({len(answer.content)} bytes)"


_LONG_LIST = re.compile(r'("data": ?\[)([^\]]{400,})\]')
_KEPT_NUMBERS = 30


def _first(match: re.Match[str]) -> str:
    numbers = match[2].split(",")
    told = ",".join(numbers[:_KEPT_NUMBERS])
    return f"{match[1]}{told},... {len(numbers)} in all]"


def http_answers(shell: Shell) -> dict[str, str]:
    """By the name of the golden file."""
    packs = [shell.folder / "packs" / name / "1" for name in NAMES]
    folder = shell.folder / "server"
    folder.mkdir()
    found = {}
    with serving(folder, *packs) as server:
        for name, tell in (
            *(("photos", _photos), ("v1", _v1), ("v2", _v2)),
            *(("served-packs", _packs), ("jobs", _jobs)),
        ):
            talk = Talk(server)
            tell(talk)
            found[f"http-{name}.txt"] = masked(talk.text(), server.state, shell.folder)
        paths = server.get("/openapi.json").json()
    found["openapi.txt"] = masked(_outline(paths))
    return found


def _outline(document: Json) -> str:
    """Each path with what it takes and answers, and each schema, on a line of its own."""
    lines = [f"{key} {json.dumps(document[key], sort_keys=True)}" for key in ("info", "openapi")]
    for path, methods in sorted(document["paths"].items()):
        for method, said in sorted(methods.items()):
            lines.append(f"{method} {path} {_short(said)}")
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines.append(f"schema {name} {json.dumps(schema, sort_keys=True)}")
    return "\n".join(lines) + "\n"


def _short(said: Json) -> str:
    asked = sorted(f"{one.get('in')} {one.get('name')}" for one in said.get("parameters", ()))
    takes = sorted(said.get("requestBody", {}).get("content", {}))
    return f"{asked} {takes} -> {sorted(said['responses'])}"


def _b64(data: bytes) -> Json:
    return {"b64": base64.b64encode(data).decode()}


def _photos(talk: Talk) -> None:
    folder = talk.server.state.parent
    crowded = save(folder / "crowded.png", chequered(128)).read_bytes()
    whole = save(folder / "whole.png", coloured(3, 150, 100)).read_bytes()
    for name in NAMES[:-1]:
        talk.ask("POST", f"/predict/{name}", content=whole)
    for query in ({"threshold": "0.9"}, {"threshold": "0"}, {"threshold": "1.5"}, {"x": "1"}):
        talk.ask("POST", "/predict/spots", content=whole, params=query)
    talk.ask("POST", "/predict/few", content=crowded)
    talk.ask("POST", "/predict/few", content=crowded, params={"threshold": "0.995"})
    talk.ask(
        "POST", "/predict/spots/versions/1", files={"image": ("Kühe 1.png", PHOTO.read_bytes())}
    )
    talk.ask("POST", "/predict/shades", content=whole, params={"map": "true"})
    talk.ask("POST", "/predict/means", files={"image": ("a.png", whole)}, data={"threshold": "0.5"})
    for name, content in (("spots", b"no photo"), ("spots", crowded[:200]), ("tiny", whole)):
        talk.ask("POST", f"/predict/{name}", content=content)
    talk.ask("POST", "/predict/spots", content=b"")
    talk.ask("POST", "/predict/nobody", content=whole)
    talk.ask("GET", "/predict/spots")


def _v1(talk: Talk) -> None:
    whole = _b64(save(talk.server.state.parent / "v1.png", coloured(3, 150, 100)).read_bytes())
    talk.ask("GET", "/v1/models")
    for name in NAMES:
        talk.ask("GET", f"/v1/models/{name}")
    for name in NAMES[:-1]:
        talk.ask("POST", f"/v1/models/{name}:predict", json={"instances": [whole]})
    said: tuple[tuple[str, Json], ...] = (
        ("spots", {"instances": [{"image": whole}, whole]}),
        ("spots", {"inputs": [whole]}),
        ("tiny", {"instances": [[0, 1, 2, 3], [3, 2, 1, 0]]}),
        ("tiny", {"instances": [{"rows": [0, 1, 2, 3]}]}),
        ("tiny", {"inputs": {"rows": [[0, 1, 2, 3]]}}),
        ("tiny", {"inputs": [[0, 1, 2]]}),
        ("tiny", {"instances": [["a", 1, 2, 3]]}),
        ("spots", {"instances": [[1, 2]]}),
        ("spots", {"instances": [_b64(b"no photo")]}),
        ("spots", {"instances": []}),
        ("spots", {}),
        ("nobody", {"instances": [1]}),
    )
    for name, body in said:
        talk.ask("POST", f"/v1/models/{name}:predict", json=body)


def _v2(talk: Talk) -> None:
    whole = save(talk.server.state.parent / "v2.png", coloured(3, 150, 100)).read_bytes()
    crowded = save(talk.server.state.parent / "v2c.png", chequered(128)).read_bytes()
    talk.ask("GET", "/v2")
    for name in NAMES:
        for rest in ("", "/config", "/ready"):
            talk.ask("GET", f"/v2/models/{name}{rest}")
    for name, data in (*((name, whole) for name in NAMES[:-1]), ("few", crowded)):
        image = {"name": "image", "shape": [1], "datatype": "BYTES", "data": [_b64(data)]}
        talk.ask("POST", f"/v2/models/{name}/infer", json={"id": "a", "inputs": [image]})
    pixels = {"name": "image", "shape": [8, 8, 3], "datatype": "UINT8", "data": [200] * 192}
    for name, body in _v2_bodies(pixels):
        talk.ask("POST", f"/v2/models/{name}/infer", json=body)
    talk.ask("POST", "/v2/models/tiny/infer", content=b"{")
    talk.ask("POST", "/v2/repository/index", json={})


def _v2_bodies(pixels: Json) -> Iterator[tuple[str, Json]]:
    binary = {"binary_data": True}
    yield "tiny", {"inputs": [_ROWS]}
    yield "tiny", {"inputs": [_ROWS], "outputs": [{"name": "scores", "parameters": binary}]}
    yield "tiny", {"inputs": [_ROWS], "parameters": {"binary_data_output": True}}
    classes = {"classification": 2}
    yield "tiny", {"inputs": [_ROWS], "outputs": [{"name": "scores", "parameters": classes}]}
    for name in NAMES[:-1]:
        yield name, {"inputs": [pixels]}
    yield "means", {"inputs": [pixels], "outputs": [{"name": "nobody"}]}
    yield "means", {"inputs": [pixels | {"name": "x"}]}
    yield "means", {"inputs": [pixels | {"data": [1]}]}
    yield "tiny", {"inputs": [_ROWS | {"shape": [8]}]}
    yield "tiny", {"inputs": [_ROWS | {"datatype": "INT8"}]}
    yield "tiny", {"inputs": []}
    yield "nobody", {"inputs": [_ROWS]}


def _packs(talk: Talk) -> None:
    for path in ("/packs", "/samples", "/session", "/v2/health/ready", "/nowhere"):
        talk.ask("GET", path)
    talk.ask("POST", "/packs", content=b"no pack")
    talk.ask("GET", "/packs/nobody/versions/1")
    talk.ask("DELETE", "/packs/nobody/versions/1")
    talk.ask("POST", "/v2/repository/models/nobody/load", json={})


def _jobs(talk: Talk) -> None:
    folder = talk.server.state.parent
    for name, query in (("means", {}), ("shades", {"map": "true"}), ("spots", {"threshold": ".9"})):
        answer = talk.ask("POST", f"/jobs/{name}", content=PHOTO.read_bytes(), params=query)
        _until_ended(talk, answer.headers["location"])
    prefer = {"Prefer": "respond-async"}
    answer = talk.ask("POST", "/v2/models/tiny/infer", json={"inputs": [_ROWS]}, headers=prefer)
    _until_ended(talk, answer.headers["location"])
    answer = talk.ask("POST", "/jobs/few", content=b"no photo at all")
    _until_ended(talk, answer.headers["location"])
    upload = talk.ask("POST", "/uploads").headers["location"]
    sent = {
        "east/1.png": save(folder / "j1.png", patched(1, 200, 150)).read_bytes(),
        "west/crowded.png": save(folder / "j2.png", chequered(128)).read_bytes(),
        "west/none.jpg": b"no photo at all",
    }
    for name, data in sent.items():
        talk.ask("POST", upload, params={"name": name}, content=data)
    talk.ask("GET", upload)
    query = {"upload": upload.rpartition("/")[2], "tile": "128", "overlap": "32", "name": "A & b"}
    address = talk.ask("POST", "/jobs/few", params=query).headers["location"]
    _until_ended(talk, address)
    for name in ("results.jsonl", "counts.csv", "photos.json", "transects.csv"):
        answer = httpx.get(f"{talk.server.url}{address}/files/{name}", verify=False)
        talk.told.append(f"= {name}\n{answer.text}")
    talk.ask("GET", "/jobs", params={"kind": "survey"})
    for path in ("/jobs/nobody", f"{address}/files/nobody"):
        talk.ask("GET", path)
    for query in ({"kind": "nobody"}, {"limit": "0"}):
        talk.ask("GET", "/jobs", params=query)
    talk.ask("POST", "/jobs/tiny", content=PHOTO.read_bytes())
    talk.ask("POST", "/jobs/shades", params={"upload": "0" * 32})
    talk.ask("DELETE", address)


def _until_ended(talk: Talk, address: str) -> None:
    """The job and its result, once it has ended."""
    end = time.monotonic() + 60
    while talk.server.get(address).json()["state"] in ("queued", "running"):
        assert time.monotonic() < end, f"{address} did not end"
        time.sleep(0.02)
    talk.ask("GET", address)
    talk.ask("GET", f"{address}/result")
