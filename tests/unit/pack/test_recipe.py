"""Recipes, class names and samples: what the caller says is checked before anything runs."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.unit.pack.conftest import noise, photo

from haversack.errors import ImportRefusedError, PhotoError
from haversack.pack.graph.fit import fit_graph
from haversack.pack.graph.heads.table import HEADS
from haversack.pack.labels import read_labels
from haversack.pack.recipe import Recipe, load_recipe, preset_names
from haversack.pack.samples import LONGEST_SIDE_PX, MOST_SAMPLES, random_inputs, read_samples
from haversack.packfile.signature import TensorSpec

PRESETS = [
    "deeplab",
    "fastestdet",
    "imagenet",
    "mnist",
    "tf-detection",
    "torchvision-detection",
    "ultralytics",
    "yolox",
]


def refused(preset: str, **options: Any) -> ImportRefusedError:
    with pytest.raises(ImportRefusedError) as caught:
        load_recipe(preset, options)
    return caught.value


def test_every_preset_is_listed() -> None:
    assert set(PRESETS) <= set(preset_names())
    assert preset_names() == sorted(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_decodes_strictly_names_a_head_and_makes_a_fit(name: str) -> None:
    text = (resources.files("haversack.pack") / "presets" / f"{name}.toml").read_text("utf-8")
    recipe = load_recipe(name, {})
    assert recipe.stated == tomllib.loads(text)
    assert recipe.head in HEADS
    assert recipe.description
    fit_graph(recipe.feeding.into(64, 48))


def test_presets_say_what_the_models_were_trained_on() -> None:
    assert load_recipe("yolox", {}).feeding.channels == "BGR"
    assert load_recipe("yolox", {}).feeding.scale == 1
    assert load_recipe("fastestdet", {}).feeding.scale == pytest.approx(1 / 255)
    assert load_recipe("deeplab", {}).feeding.scale == pytest.approx(2 / 255)
    assert load_recipe("torchvision-detection", {}).reading.first_label == 1


def test_no_preset_is_a_recipe_of_defaults() -> None:
    assert load_recipe("", {"head": None}) == Recipe()


def test_the_callers_options_win_and_none_means_not_given() -> None:
    recipe = load_recipe("yolox", {"pad": 0, "channels": None}).feeding
    assert (recipe.pad, recipe.channels) == (0, "BGR")


@pytest.mark.parametrize(
    ("given", "near"), [("yolo-x", "yolox"), ("deep-lab", "deeplab"), ("imagnet", "imagenet")]
)
def test_an_unknown_preset_suggests_the_nearest(given: str, near: str) -> None:
    fault = refused(given)
    assert fault.code == "preset-unknown"
    assert near in fault.hint
    assert "ultralytics" in fault.message


def test_an_unknown_preset_near_to_none_points_to_own_files(tmp_path: Path) -> None:
    assert ".toml" in refused("qqqq").hint
    assert refused(str(tmp_path / "absent.toml")).code == "preset-unknown"


def test_a_toml_file_of_ones_own_is_a_preset(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('head = "boxes"\nscale = 1\nmean = [1, 2, 3]\n', encoding="utf-8")
    recipe = load_recipe(str(path), {"first_label": 1})
    assert (recipe.head, recipe.feeding.mean) == ("boxes", (1, 2, 3))
    assert recipe.reading.first_label == 1


@pytest.mark.parametrize("data", [b"head = ", b"\xff\xfe\x00", b"a.b = 1\na = 2"], ids=range(3))
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(data)
    fault = refused(str(path))
    assert fault.code == "recipe-invalid"
    assert "own.toml" in fault.message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scale", 0.0),
        ("scale", -1.0),
        ("channels", "RBG"),
        ("geometry", "squash"),
        ("kernel", "lanczos"),
        ("pad", 256),
        ("pad", -1),
        ("crop", 0.0),
        ("crop", 1.5),
        ("score_floor", 1.5),
        ("nms_iou", -0.1),
        ("candidates", 0),
        ("max_detections", 0),
        ("first_label", -1),
        ("std", [1.0, 0.0, 1.0]),
        ("mean", ["a"]),
        ("box_format", "xyx"),
        ("mean", [1.0]),
        ("std", [1.0, 1.0]),
        ("antialias", "yes"),
        ("haed", "yolox"),
    ],
)
def test_a_bad_value_is_refused_with_its_field(field: str, value: object) -> None:
    fault = refused("", **{field: value})
    assert fault.code == "recipe-invalid"
    assert field in str(fault)


def test_gray_takes_one_mean() -> None:
    assert load_recipe("", {"channels": "GRAY", "mean": [1.0]}).feeding.mean == (1.0,)
    assert "GRAY" in refused("", channels="GRAY", mean=[1.0, 2.0, 3.0]).message


def test_a_crop_share_without_the_crop_geometry_is_refused() -> None:
    fault = refused("imagenet", geometry="letterbox")
    assert fault.code == "recipe-invalid"
    assert "crop" in fault.message


# Class names


def labels_of(folder: Path, data: bytes, name: str = "labels.txt") -> tuple[str, ...]:
    (folder / name).write_bytes(data)
    return read_labels(folder / name)


@pytest.mark.parametrize(
    "data", [b"cow\nsheep\n", b"cow\r\nsheep", b"\xef\xbb\xbfcow\n sheep \n\n\n"]
)
def test_one_name_a_line_in_order(tmp_path: Path, data: bytes) -> None:
    assert labels_of(tmp_path, data) == ("cow", "sheep")


def test_names_are_utf8_and_may_repeat(tmp_path: Path) -> None:
    assert labels_of(tmp_path, "crane\nKühe\ncrane\n".encode()) == ("crane", "Kühe", "crane")


def test_a_json_list_gives_names(tmp_path: Path) -> None:
    assert labels_of(tmp_path, b'["cow", " sheep"]', "labels.json") == ("cow", "sheep")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("labels.txt", b""),
        ("labels.txt", b"\n\n"),
        ("labels.txt", b"cow\n\nsheep\n"),
        ("labels.txt", b"\ncow\n"),
        ("labels.txt", b"\xff\xfec\x00"),
        ("labels.json", b"[]"),
        ("labels.json", b'{"0": "cow"}'),
        ("labels.json", b'["cow", 1]'),
        ("labels.json", b'["cow", ""]'),
        ("labels.json", b'["cow"'),
    ],
)
def test_a_faulty_labels_file_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    with pytest.raises(ImportRefusedError, match=name.replace(".", r"\.")) as caught:
        labels_of(tmp_path, data, name)
    assert caught.value.code == "labels-unreadable"


def test_an_empty_line_is_named_by_its_number(tmp_path: Path) -> None:
    with pytest.raises(ImportRefusedError, match="line 2 is empty"):
        labels_of(tmp_path, b"cow\n\nsheep\n")


def test_a_missing_labels_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.txt", tmp_path):
        with pytest.raises(ImportRefusedError) as caught:
            read_labels(path)
        assert caught.value.code == "labels-unreadable"


# Samples


def test_a_folder_gives_its_photos_by_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        photo(tmp_path, name, noise(1, 6, 8))
    (tmp_path / "notes.txt").write_text("no photo")
    found = read_samples([tmp_path])
    assert [(one.name, one.source) for one in found] == [("001", "a.png"), ("002", "b.png")]
    np.testing.assert_array_equal(found[0].pixels, noise(1, 6, 8))


def test_the_kept_png_holds_the_very_pixels(tmp_path: Path) -> None:
    large = photo(tmp_path, "large", noise(2, 400, LONGEST_SIDE_PX * 2))
    one = read_samples([large])[0]
    assert one.pixels.shape == (200, LONGEST_SIDE_PX, 3)
    (tmp_path / "kept.png").write_bytes(one.png)
    with Image.open(tmp_path / "kept.png") as kept:
        np.testing.assert_array_equal(np.asarray(kept), one.pixels)


def test_no_more_than_eight_samples_are_kept(tmp_path: Path) -> None:
    for i in range(MOST_SAMPLES + 2):
        photo(tmp_path, f"{i:02d}", noise(i, 4, 4))
    assert len(read_samples([tmp_path])) == MOST_SAMPLES


def test_without_paths_photos_are_drawn_and_differ() -> None:
    found = read_samples([])
    assert [one.source for one in found] == ["drawn"] * 4
    assert len({one.png for one in found}) == 4


def test_paths_without_a_photo_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.png"):
        with pytest.raises(ImportRefusedError, match="leads to no photo") as caught:
            read_samples([path])
        assert caught.value.code == "samples-missing"


def test_a_sample_that_is_no_photo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no photo")
    with pytest.raises(PhotoError):
        read_samples([tmp_path])


def test_random_inputs_are_of_the_signatures_types_and_repeat_by_seed() -> None:
    specs = [
        TensorSpec(name=kind, datatype=kind, shape=(-1, 3))
        for kind in ("FP32", "FP16", "FP64", "INT64", "UINT8", "BOOL", "INT32")
    ]
    first, again, other = random_inputs(specs, 1), random_inputs(specs, 1), random_inputs(specs, 2)
    kinds = [np.float32, np.float16, np.float64, np.int64, np.uint8, np.bool_, np.int32]
    assert [array.dtype for array in first.values()] == kinds
    assert all(array.shape == (1, 3) for array in first.values())
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["FP32"], other["FP32"])


def test_an_input_of_text_cannot_be_drawn() -> None:
    with pytest.raises(ImportRefusedError, match="text") as caught:
        random_inputs([TensorSpec(name="text", datatype="BYTES", shape=(1,))], 0)
    assert caught.value.code == "input-unknown"
