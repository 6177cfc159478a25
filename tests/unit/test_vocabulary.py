"""One word for each thing, and each word explained: docs/glossary.md, kept by a test."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "haversack"
MODULES = sorted(SOURCE.rglob("*.py"))

# Everything that people read, but for what was measured or drawn (.json, .onnx, images).
READ = sorted(
    path
    for folder in ("src", "docs", "tests")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".js", ".css", ".html", ".md", ".sql", ".toml", ".csv", ".jsonl"}
    and path != Path(__file__)
) + [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]

# A photo is a photo. Left are names that others depend on; they go when their version does.
PICTURES = {
    "takes_pictures": "a field of GET /packs and of the page that reads it",
    "head-needs-pictures": "an error's code",
    "--pictures": "an option of benchmarks/gpu.py",
}

# Words that stood for a server, its memory, what waits at it or what it gives away.
GONE = {"house", "purse", "desk", "means", "sitting", "loan", "looker", "errand", "stay", "pace"}

# Heads of public names that mean what they mean everywhere; any other stands in the glossary.
PLAIN = frozenset(
    word
    for line in (
        "accounts animal answer answering batches begun best blocks body boxes built bytes camera",
        "case check claim claimed clocks column command connection context copy cost count counts",
        "crop database deadline decoded defaults delivery difference directory duration entry",
        "error export failure fault field file files filter finding findings fixes folder form",
        "formula geometry graph grid group handler header headers histogram identity in incoming",
        "inflate input interrupts item key keys kind kinds latency limit limits line listener",
        "listing loadable locations loop machine map mark marks measured memory merger message",
        "model models notes notifier objects opened operation option options outcome outputs page",
        "palette parameter parts passwords path phase pipeline placed plan policy position",
        "prediction predictor probabilities progress provenance rate read reader reading refused",
        "registry reports request resources result retainable retries role routes row rule rules",
        "run runtime scan scene screen services settings shown sighting sizes slice sources spec",
        "speed stages start state statistics store stores stream streams summary sun suppression",
        "table tables tag takes tally target tensors times tuning type unplaced usage values view",
        "wanted words work worker workers",
    )
    for word in line.split()
)


@cache
def _tree(path: Path) -> ast.Module:
    """Parsed when it is asked for: every worker imports this file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def test_no_public_class_has_the_name_of_another() -> None:
    places = defaultdict(list)
    for path, name in _public_classes():
        places[name].append(str(path.relative_to(SOURCE)))
    assert not {name: paths for name, paths in places.items() if len(paths) > 1}


def test_a_photo_is_never_called_a_picture() -> None:
    left = re.compile("|".join(map(re.escape, PICTURES)))
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in READ
        if "picture" in path.read_text(encoding="utf-8").lower()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "picture" in left.sub("", line).lower()
    ]
    assert not found


def test_each_name_that_is_left_is_still_used() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in READ)
    assert [name for name in PICTURES if name not in text] == []


def test_metaphors_that_went_do_not_come_back_as_names() -> None:
    found = defaultdict(set)
    for path in MODULES:
        text = path.read_text(encoding="utf-8").lower()
        names = _names(_tree(path)) if any(word in text for word in GONE) else ()
        for word in {path.stem, *names}:
            if GONE & {word.lower().strip("_"), *_words(word)}:
                found[word].add(str(path.relative_to(SOURCE)))
    assert not found


def test_every_name_of_a_class_ends_in_a_plain_word_or_one_of_the_glossary() -> None:
    explained = {word for word, _ in _glossary()}
    heads = {name: _words(name)[-1] for _, name in _public_classes()}
    known = PLAIN | explained | {f"{word}s" for word in explained}
    assert not {name: head for name, head in heads.items() if head not in known}


def test_no_word_is_called_plain_for_nothing() -> None:
    heads = {_words(name)[-1] for _, name in _public_classes()}
    explained = {word for word, _ in _glossary()}
    assert not PLAIN - heads
    assert not PLAIN & explained


def test_every_class_that_the_glossary_names_is_there() -> None:
    there = {name for _, name in _public_classes()}
    named = {name for _, names in _glossary() for name in names}
    assert len(named) > 10
    assert not named - there


def test_each_table_of_the_glossary_is_in_order_and_no_word_is_there_twice() -> None:
    tables = [[row.split("|")[1].strip() for row in table] for table in _tables()]
    assert len(tables) == 2
    assert tables == [sorted(table, key=str.lower) for table in tables]
    words = [word for word, _ in _glossary()]
    assert len(words) == len(set(words))


def _public_classes() -> Iterator[tuple[Path, str]]:
    for path in MODULES:
        for node in _tree(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield path, node.name


def _names(tree: ast.Module) -> Iterator[str]:
    """Every name in the code of a file; comments and sentences are for other tests."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.alias(name=name) | ast.keyword(arg=str(name)):
                yield name


def _words(name: str) -> list[str]:
    """ "PhotoRequest" as photo, request."""
    return [word.lower() for word in re.findall(r"[A-Z][a-z0-9]*", name)]


def _tables() -> list[list[str]]:
    """The rows of each table of the glossary."""
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    return [table.splitlines() for table in re.findall(r"(?<=-\|\n)(?:\|.*\n)+", text)]


def _glossary() -> list[tuple[str, list[str]]]:
    """Each word, and the classes that its row names."""
    found = []
    for row in (row for table in _tables() for row in table):
        _, words, *meanings = row.split("|")
        names = re.findall(r"`([A-Z][a-z]\w+)`", " ".join(meanings))
        found += [(word.strip().lower(), names) for word in words.split(",")]
    return found
