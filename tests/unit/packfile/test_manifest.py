"""pack.toml: every fault at once, in words; what is written is read back."""

from __future__ import annotations

import datetime
import tomllib
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.packfile.conftest import make_manifest, sha256, tiny_files

from haversack.errors import PackError
from haversack.packfile.manifest import (
    FAULTS_SHOWN,
    Defaults,
    InputGeometry,
    Manifest,
    Parity,
    Provenance,
    Suppression,
    SurveyGrid,
    digest,
    encode,
    parse,
)
from haversack.packfile.signature import Signature, TensorSpec

SHARES = st.floats(0, 1)
TEXTS = st.text(max_size=20)
SPECS = st.builds(
    TensorSpec,
    name=TEXTS,
    datatype=st.sampled_from(["FP32", "UINT8", "BYTES"]),
    shape=st.lists(st.integers(-1, 4000), max_size=4).map(tuple),
)
OPTIONS = st.one_of(
    TEXTS,
    st.integers(-(2**62), 2**62),
    st.booleans(),
    st.floats(-1e9, 1e9),
    st.lists(TEXTS, max_size=3),
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=3),
)
PARITIES = st.builds(
    Parity,
    rule=st.sampled_from(["boxes", "tensors"]),
    samples=st.integers(0, 9),
    worst=SHARES,
    tolerance=SHARES,
)
MANIFESTS = st.builds(
    Manifest,
    format=st.just(1),
    name=st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,63}\Z"),
    version=st.integers(0, 10**17).map(str),
    task=st.just("detect"),
    labels=st.lists(TEXTS, max_size=3).map(tuple),
    description=TEXTS,
    licence=TEXTS,
    input=st.builds(
        InputGeometry,
        width=st.integers(1, 65535),
        height=st.integers(1, 65535),
        geometry=st.just("crop"),
        crop=st.floats(0.1, 1),
    ),
    signature=st.builds(
        Signature,
        inputs=st.lists(SPECS, max_size=2).map(tuple),
        outputs=st.lists(SPECS, max_size=2).map(tuple),
    ),
    survey=st.none() | st.builds(SurveyGrid, tile=st.integers(9, 99), overlap=st.integers(0, 8)),
    defaults=st.builds(Defaults, score_threshold=SHARES),
    graph=st.builds(Suppression, score_floor=SHARES, candidates=st.integers(1, 9999)),
    provenance=st.builds(
        Provenance,
        source=TEXTS,
        sha256=st.just("0" * 64),
        importer=TEXTS,
        created=st.datetimes(
            min_value=datetime.datetime(1900, 1, 1), timezones=st.just(datetime.UTC)
        ),
        preset=TEXTS,
        options=st.dictionaries(TEXTS, OPTIONS, max_size=3),
        parity=st.none() | PARITIES,
    ),
    files=st.just({"model.onnx": "1" * 64, "fit.onnx": "2" * 64, "a/b c": "3" * 64}),
)


@given(MANIFESTS)
@settings(deadline=None)
def test_what_is_written_is_read_back(manifest: Manifest) -> None:
    assert parse(encode(manifest)) == manifest


def faults_of(changes: dict[str, Any]) -> tuple[str, ...]:
    """The faults of a valid pack.toml after setting dotted fields (None removes)."""
    table = tomllib.loads(encode(make_manifest(tiny_files())).decode())
    for field, value in changes.items():
        *tables, last = field.split("/")
        at = table
        for name in tables:
            at = at.setdefault(name, {})
        if value is None:
            del at[last]
        else:
            at[last] = value
    with pytest.raises(PackError) as caught:
        parse(tomli_w.dumps(table).encode())
    assert caught.value.code == "manifest-invalid"
    return caught.value.details


def test_every_fault_is_reported_in_one_pass() -> None:
    faults = faults_of(
        {
            "name": "Bad Name",
            "colour": "red",
            "licence": 3,
            "labels": ["a", 1],
            "input/width": 0,
            "input/kernel": "lanczos",
            "task": "segment",
            "provenance/parity": {"rule": "eye", "samples": 1, "worst": 0.0, "tolerance": 0.0},
            "signature/outputs": [{"name": "x", "shape": ["a"]}],
            "provenance/sha256": None,
            "provenance/created": "soon",
            "files/model.onnx": "abc",
        }
    )
    for line in (
        "colour: unknown field, received 'red'; fields here are format, name,",
        "name: received 'Bad Name'; a name of a-z",
        "licence: received 3; text is needed",
        "labels[1]: received 1; text is needed",
        "input.width: received 0; a whole number from 1 up to 65535 is needed",
        "input.kernel: received 'lanczos'; one of 'cubic', 'linear', 'nearest' is needed",
        "task: received 'segment'; one of 'classify', 'detect', 'label-map', 'tensor' is needed",
        "provenance.parity.rule: received 'eye'; "
        "one of 'boxes', 'labels', 'probabilities', 'tensors' is needed",
        "signature.outputs[0].datatype: missing; text is needed",
        "signature.outputs[0].shape[0]: received 'a'; a whole number from -1 is needed",
        "provenance.sha256: missing; a sha256 in 64 small hex digits is needed",
        "provenance.created: received 'soon'; a date with time",
        "files.\"model.onnx\": received 'abc'; a sha256",
    ):
        assert any(fault.startswith(line) for fault in faults), (line, faults)
    assert len(faults) == 13


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"input": None, "files/fit.onnx": None}, "input: missing; task 'detect' needs"),
        ({"task": "classify", "graph": None, "input": None}, "input: missing; task 'classify'"),
        ({"graph": None}, "graph: missing; task 'detect' needs"),
        ({"task": "classify"}, "graph: is for task 'detect' only"),
        ({"task": "label-map", "labels": ["x"] * 257}, "labels: received 257;"),
        ({"input/crop": 0.5}, "input.crop: received 0.5;"),
        ({"input/kernel": "nearest", "input/antialias": True}, "input.antialias: received True"),
        ({"survey": {"tile": 10, "overlap": 10}}, "survey.overlap: received 10; less than"),
        ({"files/model.onnx": None}, 'files."model.onnx": missing'),
        ({"files/fit.onnx": None}, 'files."fit.onnx": missing'),
        ({"files/pack.toml": "0" * 64}, "files: 'pack.toml' is never listed"),
        ({"files/MODEL.onnx": "0" * 64}, "files: 'MODEL.onnx' and 'model.onnx' are one file"),
        ({"name": "tiny\n"}, "name: received 'tiny\\n'"),
        ({"defaults": 3}, "defaults: received 3; a table is needed"),
        ({"defaults/score_threshold": float("nan")}, "defaults.score_threshold: received nan"),
        ({"provenance/options": {"a": {}}}, 'provenance.options."a": received {}'),
    ],
)
def test_broken_rule_is_named(changes: dict[str, Any], fault: str) -> None:
    faults = faults_of(changes)
    assert any(line.startswith(fault) for line in faults), faults


def test_names_that_leave_the_pack_are_refused() -> None:
    for name in ("../x", "/x", "a//b", "a/./b", "C:x", "a\\b", "", "a\x00b", "x" * 256):
        table = tomllib.loads(encode(make_manifest(tiny_files())).decode())
        table["files"][name] = "0" * 64
        with pytest.raises(PackError) as caught:
            parse(tomli_w.dumps(table).encode())
        assert "is no safe relative path" in caught.value.details[0], name


def test_whole_numbers_stand_for_floats() -> None:
    text = encode(make_manifest(tiny_files())).decode().replace("nms_iou = 0.5", "nms_iou = 1")
    graph = parse(text.encode()).graph
    assert graph is not None
    assert graph.nms_iou == 1.0
    assert isinstance(graph.nms_iou, float)


def test_unknown_format_says_to_upgrade() -> None:
    with pytest.raises(PackError, match=r"format 2; this Haversack reads format 1") as caught:
        parse(b"format = 2\nnew = true")
    assert caught.value.code == "pack-format-unknown"
    assert "Upgrade" in caught.value.hint


@pytest.mark.parametrize("data", [b"\xff", b"format =", b"a = " + b"[" * 100_000])
def test_what_is_not_toml_is_refused(data: bytes) -> None:
    with pytest.raises(PackError, match="not TOML") as caught:
        parse(data)
    assert caught.value.code == "manifest-invalid"


def test_faults_are_cut_and_counted() -> None:
    faults = faults_of({"labels": list(range(1000))})
    assert len(faults) == FAULTS_SHOWN + 1
    assert faults[-1] == f"and {1000 - FAULTS_SHOWN} more"


def test_long_values_are_cut() -> None:
    assert max(map(len, faults_of({"name": "x" * 10_000}))) < 250


def test_empty_fields_are_not_written() -> None:
    text = encode(make_manifest(tiny_files())).decode()
    assert not {"survey", "description", "licence"} & tomllib.loads(text).keys()


def test_digest_is_the_sha256_of_the_file() -> None:
    assert digest(b"tiny") == sha256(b"tiny")
