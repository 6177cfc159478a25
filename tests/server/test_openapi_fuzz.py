"""Schemathesis reads /openapi.json and sends whatever it allows, and what it does not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.server.quick_blobs import QUICK_BLOBS
from tests.server.running import environment, serving

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
# Without positive_data_acceptance: no schema can say which tensors a model takes, or which bytes
# are a photo or a pack. Without the checks of links and of authentication, for there are none.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
)
# Most requests are for packs that are there, or all would be answered with 404. Loading and
# unloading come by themselves: they would take away the packs, and the counts, of all others.
# Nothing needs to be kept from being removed: these packs did not come over HTTP.
SWITCHES = ("repository_load", "repository_unload")
CONFIG = """
[dictionaries]
packs = { values = ["blobs", "tiny"] }
versions = { values = ["1"] }

[parameters]
"path.name" = { dictionary = "packs", probability = 0.8 }
"path.version" = { dictionary = "versions", probability = 0.8 }
"""
ROWS = {"name": "rows", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}
EXAMPLES: dict[str, object] = {
    "/v2/models/{name}/infer": {"inputs": [ROWS]},
    "/v2/models/{name}/versions/{version}/infer": {"inputs": [ROWS]},
    "/v1/models/{name}:predict": {"instances": [[1, 2, 3, 4]]},
    "/v1/models/{name}/versions/{version}:predict": {"inputs": [[1, 2, 3, 4]]},
}
"""Bodies that `tiny` takes, from which Schemathesis makes others."""
SUCCESSES = re.compile(r'haversack_inference_requests_total{.*outcome="success".*} ([\d.]+)')


def with_examples(document: dict[str, Any]) -> dict[str, Any]:
    """The page as the server gives it, and for `tiny` a body that it takes."""
    for path, body in EXAMPLES.items():
        operation = document["paths"][path]["post"]
        operation["requestBody"]["content"]["application/json"]["example"] = body
        for parameter in operation["parameters"]:
            if parameter["in"] != "path":
                continue  # without Prefer: the answer itself is to be looked at
            parameter["example"] = {"name": "tiny", "version": "1"}[parameter["name"]]
    return document


def fuzz(
    folder: Path, packs: dict[str, Path], *options: str
) -> tuple[subprocess.CompletedProcess[str], str]:
    """What Schemathesis says, and the server's metrics after it."""
    (folder / "schemathesis.toml").write_text(CONFIG)
    with serving(folder, QUICK_BLOBS, *packs.values()) as server:
        page = with_examples(server.get("/openapi.json").json())
        (folder / "openapi.json").write_text(json.dumps(page))
        words = ["--config-file", "schemathesis.toml", "run", "openapi.json", "--url", server.url]
        words += ["--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS)]
        done = subprocess.run(
            [SCHEMATHESIS, *words, "--continue-on-failure", "--workers", "1", *options],
            cwd=folder,
            env=environment(folder),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert server.answers()
        assert "Traceback" not in server.said()
        return done, server.get("/metrics").text


def others(word: str) -> list[str]:
    """Options that leave out, or take, what switches packs."""
    return [part for one in SWITCHES for part in (f"--{word}-operation-id", one)]


def check(folder: Path, packs: dict[str, Path], *options: str) -> None:
    done, metrics = fuzz(folder, packs, *others("exclude"), *options)
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2000:]
    # It did reach the models behind the routes.
    assert sum(map(float, SUCCESSES.findall(metrics))) > 0
    done, _ = fuzz(folder, packs, *others("include"), *options)
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2000:]


def test_what_the_page_allows_and_forbids_is_what_the_server_does(
    tmp_path: Path, tensor_packs: dict[str, Path]
) -> None:
    check(tmp_path, tensor_packs, "--max-examples", "4", "--seed", "1")


@pytest.mark.slow
def test_a_long_search_finds_no_difference_either(
    tmp_path: Path, tensor_packs: dict[str, Path]
) -> None:
    check(tmp_path, tensor_packs, "--max-examples", "150")
