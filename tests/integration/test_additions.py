"""What a new task, export, protocol or column takes: files put beside their likes, lines in tables.

Each is added to a copy of the source, as a developer would, and then used by the commands. The
numbers are those of docs/explanation/architecture.md.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import shutil
import sqlite3
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
import tomli_w
from PIL import Image
from tests.integration.additions.copy import Copy, copied, stated
from tests.server.running import BLOBS, PHOTO, started
from tests.unit.packfile.conftest import FIT, make_manifest, model_bytes, write_pack

from haversack.packfile.archive import open_pack
from haversack.packfile.manifest import encode

ROOT = Path(__file__).parents[2]
ADDITIONS = Path(__file__).parent / "additions"
# Both given, so that nothing is measured first.
SURVEY = ("survey", "run", "--pack", BLOBS, "--batch", "1", "--threads", "1")

TALLY_ROW = """    TaskRow(
        name="tally",
        outputs=(TensorRule(name="totals", datatype="FP32", sides=("batch", "classes")),),
        parity="tensors",
    ),
"""
TALLY_PAGE = """// @ts-check
// How much of each class.

import { BARE } from "./task.js";

/** @type {import("./task.js").Task} */
export const tally = { ...BARE, words: "totals", title: "Totals", sentence: () => "Counted." };
"""
TALLY_TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
model (uint8[N,4,6,3] pixels, float[N,4] placement) => (float[N,3] totals)
<int64[2] sides = {1, 2}>
{
    levels = Cast<to = 1>(pixels)
    totals = ReduceMean<keepdims = 0>(levels, sides)
}
"""
PLAIN_ROW = """    Operation(
        id="plain",
        method="POST",
        path="/plain/{name}",
        text="The first name that a photo's answer has.",
        tag="plain",
        takes=PHOTO,
        gives={"text/plain": {"type": "string"}},
    ),
"""
READ_BACK = """
import sys
from pathlib import Path
from haversack.engine.results import PackIdentity
from haversack.survey.run.photo_columns import result_of
from haversack.survey.run.store import RunStore

pack = PackIdentity(name="blobs", version="1", task="detect")
with RunStore(Path(sys.argv[1]), write=False) as store:
    for row in store.photo_rows():
        print(result_of(row, pack, lambda number, tiles: None).tiles.shaded)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return copied(tmp_path)


def added_task(copy: Copy) -> None:
    copy.insert("packfile/tasks/table.py", ")\n\nTASKS", TALLY_ROW)
    copy.add("engine/tasks/tally.py", (ADDITIONS / "tally_task.py").read_text("utf-8"))
    line = "from haversack.engine.tasks.tally import TallyTask\n"
    copy.insert("engine/tasks/table.py", "from haversack.engine.tasks.task ", line)
    copy.insert("engine/tasks/table.py", "TensorTask)", "TallyTask, ")
    copy.add("web/static/tasks/tally.js", TALLY_PAGE)
    copy.insert(
        "web/static/tasks/table.js", "import { unknown", 'import { tally } from "./tally.js";\n'
    )
    copy.insert("web/static/tasks/table.js", '  ["tensor"', '  ["tally", tally],\n')


def added_export(copy: Copy) -> None:
    copy.add("formats/names_list.py", (ADDITIONS / "names_export.py").read_text("utf-8"))
    copy.insert("formats/exports.py", "    yolo,\n)", "    names_list,\n")
    row = '"names": Export(write=names_list.write, default_name="names.txt", summary="names"),\n'
    copy.insert("formats/exports.py", '    "jsonl": Export(', f"    {row}")


def added_protocol(copy: Copy) -> None:
    copy.add("serve/protocols/plain.py", (ADDITIONS / "plain_protocol.py").read_text("utf-8"))
    copy.add("serve/http/plain.py", (ADDITIONS / "plain_routes.py").read_text("utf-8"))
    copy.insert(
        "serve/http/contract/table.py", '    Operation(\n        id="server_metadata"', PLAIN_ROW
    )
    line = "from haversack.serve.http.plain import PlainRoutes\n"
    copy.insert("serve/http/routes.py", "from haversack.serve.http.repository ", line)
    copy.insert(
        "serve/http/routes.py",
        '        "server_metadata"',
        '        "plain": PlainRoutes(context).predict,\n',
    )


def added_column(copy: Copy) -> None:
    line = '    PhotoColumn(name="shaded", field="tiles.shaded", added="INTEGER"),\n'
    copy.insert("survey/run/photo_columns.py", '    PhotoColumn(name="candidates"', line)
    copy.insert("engine/results.py", "    candidates: int | None = None", "    shaded: int = 5\n")


WAYS: dict[str, Callable[[Copy], None]] = {
    "task": added_task,
    "export": added_export,
    "protocol": added_protocol,
    "column of a run's photos": added_column,
}


@pytest.mark.parametrize("kind", WAYS)
def test_an_addition_touches_as_many_files_as_the_docs_say(copy: Copy, kind: str) -> None:
    WAYS[kind](copy)
    assert copy.touched() == stated(kind)


def tally_pack(copy: Copy) -> Path:
    """A pack of a task that this version of Haversack has not got."""
    model = model_bytes(TALLY_TEXT)
    files = {"model.onnx": model, "fit.onnx": FIT}
    manifest = make_manifest(files, name="tally", model=model)
    table = tomllib.loads(encode(manifest).decode())
    table |= {"task": "tally", "labels": ["red", "green", "blue"]}
    del table["graph"]
    folder = copy.folder / "packs" / "tally" / "1"
    write_pack(folder, manifest, files)
    (folder / "pack.toml").write_text(tomli_w.dumps(table))
    return folder


def test_a_new_task_is_predicted_tabled_drawn_served_and_shown(copy: Copy) -> None:
    added_task(copy)
    pack = tally_pack(copy)
    photo = copy.folder / "photo.png"
    Image.fromarray(np.full((8, 12, 3), (200, 100, 50), np.uint8)).save(photo)
    record = json.loads(copy.haversack("predict", pack, photo, "--json"))
    assert record["task"] == "tally"
    assert record["totals"] == {"red": 200.0, "green": 100.0, "blue": 50.0}
    (first, *_) = csv.DictReader(io.StringIO(copy.haversack("predict", pack, photo, "--csv")))
    assert (first["label"], first["total"], first["score"]) == ("red", "200.0", "")
    said = copy.haversack("predict", pack, photo, "--draw", copy.folder / "drawn")
    assert "200.0  red" in said
    assert list((copy.folder / "drawn").rglob("photo.*"))
    command: list[str | Path] = [sys.executable, "-m", "haversack", "serve", "--port", "0", pack]
    with started(command, copy.folder, PYTHONPATH=str(copy.folder)) as (url, _):
        metadata = httpx.get(f"{url}/v2/models/tally", verify=False).json()
        assert [one["name"] for one in metadata["inputs"]] == ["image"]
        assert metadata["outputs"] == [{"name": "totals", "datatype": "FP32", "shape": [1, 3]}]
        asked = {"instances": [{"b64": _base64(photo)}]}
        answer = httpx.post(f"{url}/v1/models/tally:predict", json=asked, verify=False).json()
        assert answer["predictions"][0]["totals"]["green"] == 100.0
        assert "tally" in httpx.get(f"{url}/static/tasks/table.js", verify=False).text
        assert "Counted." in httpx.get(f"{url}/static/tasks/tally.js", verify=False).text


def test_a_new_export_is_offered_and_written(copy: Copy) -> None:
    added_export(copy)
    photos, run = copy.folder / "photos", copy.folder / "run"
    photos.mkdir()
    shutil.copy(PHOTO, photos / "a.png")
    copy.haversack(*SURVEY, photos, "--out", run)
    assert "names" in copy.haversack("survey", "export", "--help")
    copy.haversack("survey", "export", run, "--format", "names")
    (name, count) = (run / "exports" / "names.txt").read_text().split()
    assert name == "a.png"
    assert int(count) > 0


def test_a_new_column_is_in_a_run_and_read_back(copy: Copy) -> None:
    added_column(copy)
    photos, run = copy.folder / "photos", copy.folder / "run"
    photos.mkdir()
    shutil.copy(PHOTO, photos / "a.png")
    copy.haversack(*SURVEY, photos, "--out", run)
    with sqlite3.connect(run / "run.sqlite") as base:
        assert base.execute("SELECT shaded FROM photo").fetchall() == [(5,)]
        base.execute("UPDATE photo SET shaded = 6")
    assert copy.python("-c", READ_BACK, run).split() == ["6"]


def test_a_new_protocol_is_routed_and_in_the_contract(copy: Copy) -> None:
    added_protocol(copy)
    command: list[str | Path] = [sys.executable, "-m", "haversack", "serve", "--port", "0", BLOBS]
    with started(command, copy.folder, PYTHONPATH=str(copy.folder)) as (url, _):
        answer = httpx.post(f"{url}/plain/blobs", content=PHOTO.read_bytes(), verify=False)
        assert answer.status_code == 200
        assert answer.text in open_pack(BLOBS).manifest.labels
        assert "/plain/{name}" in httpx.get(f"{url}/openapi.json", verify=False).json()["paths"]
        refused = httpx.post(f"{url}/plain/nobody", content=b"x", verify=False)
        assert refused.status_code == 404


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
