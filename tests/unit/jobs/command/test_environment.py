"""What a command has of the worker's environment."""

from __future__ import annotations

import os

import pytest

from haversack.jobs.command.environment import command_environment


@pytest.mark.parametrize(
    "name",
    [
        "HAVERSACK_STATE",
        "haversack_key",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AZURE_STORAGE_CONNECTION_STRING",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "HF_TOKEN",
        "MYSQL_PWD",
        "OPENAI_API_KEY",
        "PGPASSFILE",
        "PGPASSWORD",
        "PWD",
        "SENTRY_DSN",
        "SSH_AUTH_SOCK",
        "WANDB_APIKEY",
    ],
)
def test_our_settings_and_what_is_secret_are_left_out(name: str) -> None:
    assert command_environment({name: "word"}, {}) == {}


@pytest.mark.parametrize(
    "value", ["postgresql://me:word@here/jobs", "http://word@here:3128", "a b,redis://:word@here"]
)
def test_an_address_with_a_user_is_left_out_whatever_its_name(value: str) -> None:
    assert command_environment({"SOME_PLACE": value}, {}) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATH", "/bin"),
        ("HOME", "/home/me"),
        ("LANG", "C.UTF-8"),
        ("CUDA_VISIBLE_DEVICES", "0"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("OMP_NUM_THREADS", "2"),
        ("HTTPS_PROXY", "http://proxy:3128"),
        ("PIP_INDEX_URL", "https://here/simple?by=a@b"),
    ],
)
def test_everything_else_is_there(name: str, value: str) -> None:
    assert command_environment({name: value}, {}) == {name: value}


def test_a_kind_names_what_its_command_has_besides() -> None:
    worker = {"HF_TOKEN": "word", "WANDB_API_KEY": "word", "LANG": "C"}
    found = command_environment(worker, {"LANG": "en_GB.UTF-8", "ONE": "1"}, {"HF_TOKEN"})
    assert found == {"HF_TOKEN": "word", "LANG": "en_GB.UTF-8", "ONE": "1"}


def test_folders_of_modules_are_those_of_the_worker() -> None:
    found = command_environment({"PYTHONPATH": os.pathsep.join(["src", "", "/lib"])}, {})
    assert found["PYTHONPATH"].split(os.pathsep) == [os.path.abspath("src"), "/lib"]
