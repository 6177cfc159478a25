"""SQL by name, and in each dialect's words."""

from __future__ import annotations

import pytest

from haversack.database.connection import Dialect, shown, sqlite_path
from haversack.database.migrations import migrations
from haversack.database.named import named_statements
from haversack.database.opening import open_database
from haversack.database.postgresql import _translated
from haversack.errors import HaversackError


@pytest.mark.parametrize("dialect", [*Dialect])
def test_both_dialects_have_every_statement_without_comments(dialect: Dialect) -> None:
    found = named_statements("haversack.jobs", "sql/shared.sql", f"sql/{dialect}.sql")
    assert {"put", "claim", "beat", "done", "sweep_lapsed"} <= set(found)
    assert not [text for text in found.values() if "--" in text or text.endswith(";")]


def test_the_dialects_differ_in_the_claim_and_in_lists_only() -> None:
    own = [set(named_statements("haversack.jobs", f"sql/{d}.sql")) for d in Dialect]
    assert own == [{"claim", "keys"}] * 2


@pytest.mark.parametrize("dialect", [*Dialect])
def test_migrations_are_numbered_without_a_gap(dialect: Dialect) -> None:
    numbers = [number for number, _ in migrations(dialect)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_parameters_are_translated_and_casts_and_percents_are_not() -> None:
    text = _translated("SELECT a::text, :b, '%', x LIKE :c_d WHERE t > :now + :now")
    assert text == "SELECT a::text, %(b)s, '%%', x LIKE %(c_d)s WHERE t > %(now)s + %(now)s"


@pytest.mark.parametrize(
    ("url", "path"),
    [("a/b.sqlite", "a/b.sqlite"), ("sqlite:////a/b", "/a/b"), ("sqlite:///b", "b")],
)
def test_a_sqlite_file_is_named_by_path_or_url(url: str, path: str) -> None:
    assert str(sqlite_path(url)) == path


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://x", ""])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(HaversackError) as caught:
        open_database(url)
    assert caught.value.code == "database-url-invalid"


def test_a_password_is_never_shown() -> None:
    assert shown("postgresql://ada:s3cr:t@db/x") == "postgresql://ada:***@db/x"
    assert shown("postgresql://ada@db/x") == "postgresql://ada@db/x"
