"""Options, manifest, graphs and references take their numbers from one struct."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner

from haversack.cli.recipe_options import recipe_options
from haversack.pack.decoding import Decoding
from haversack.pack.feeding import Feeding
from haversack.pack.graph.heads.table import HEADS
from haversack.pack.recipe import Recipe, recipe_fields
from haversack.packfile.explained import explanation
from haversack.packfile.manifest import InputGeometry, Manifest, Suppression

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
SHARED = set(Feeding.__struct_fields__) & set(InputGeometry.__struct_fields__)


@click.command()
@recipe_options
def command(**given: Any) -> None:
    """What was given, as Python writes it."""
    click.echo({name: value for name, value in given.items() if value is not None})


def given(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    return result.output.strip()


def test_every_field_of_a_recipe_is_an_option_with_its_line_of_help() -> None:
    options = {option.name: option for option in command.params}
    assert set(options) == set(recipe_fields())
    for name, field in recipe_fields().items():
        option = options[name]
        assert isinstance(option, click.Option)
        assert option.help
        assert option.help == explanation(field.type).format(heads=", ".join(HEADS))


def test_values_come_in_the_type_of_their_field_and_only_where_given() -> None:
    arguments = "--candidates 7 --nms-iou 1 --no-antialias --own-nms --mean 1,2.5 --head boxes"
    assert msgspec.json.decode(given(*arguments.split()).replace("'", '"').lower()) == {
        "head": "boxes",
        "mean": [1.0, 2.5],
        "antialias": False,
        "own_nms": True,
        "nms_iou": 1.0,
        "candidates": 7,
    }
    assert given() == "{}"


def test_suppression_is_one_struct_in_recipe_decoding_and_manifest() -> None:
    assert isinstance(Recipe().suppression, Suppression)
    recipe = Recipe(suppression=Suppression(candidates=9))
    decoding = Decoding(
        outputs=(), width=1, height=1, labels=0, opset=11, suppression=recipe.suppression
    )
    assert decoding.suppression is recipe.suppression
    assert Manifest.__annotations__["graph"] == "Suppression | None"


@pytest.mark.parametrize("name", sorted(SHARED - {"geometry"}))
def test_a_recipes_feeding_is_a_manifests_input_field_by_field(name: str) -> None:
    ours, theirs = (
        next(field for field in msgspec.structs.fields(table) if field.name == name)
        for table in (Feeding, InputGeometry)
    )
    assert (ours.type, ours.default) == (theirs.type, theirs.default)


@pytest.mark.parametrize("page", ["presets.md", "pack-format.md"])
@pytest.mark.parametrize("name", [*Suppression.__struct_fields__, "score_threshold", "pad"])
def test_pages_state_the_defaults_that_the_structs_have(name: str, page: str) -> None:
    rows = re.findall(rf"^\| `{name}` \|.*\| (\S+) \|$", (REFERENCE / page).read_text(), re.M)
    assert [float(row) for row in rows] == [recipe_fields()[name].default]
