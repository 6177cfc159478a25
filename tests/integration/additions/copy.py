"""A copy of the source, to which a test adds something as a developer would."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.server.running import environment

ROOT = Path(__file__).parents[3]
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A copy of the source that a developer works on."""

    folder: Path

    def add(self, name: str, text: str) -> None:
        """A new file."""
        path = self.folder / "haversack" / name
        assert not path.exists()
        path.write_text(text, encoding="utf-8")

    def insert(self, name: str, before: str, text: str) -> None:
        """Text before the first place where `before` stands."""
        path = self.folder / "haversack" / name
        old = path.read_text(encoding="utf-8")
        assert before in old, f"{name} has no {before!r}"
        path.write_text(old.replace(before, text + before, 1), encoding="utf-8")

    def haversack(self, *words: str | Path) -> str:
        """What a command prints."""
        return self.python("-m", "haversack", *words)

    def python(self, *words: str | Path) -> str:
        """What Python prints that imports this copy."""
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=self.folder,
            env=environment(self.folder) | {"PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def touched(self) -> tuple[int, int]:
        """How many files are new, and how many were changed."""
        ours = ROOT / "src" / "haversack"
        theirs = self.folder / "haversack"
        files = [path.relative_to(theirs) for path in theirs.rglob("*") if path.is_file()]
        files = [name for name in files if name.suffix in (".py", ".js", ".sql", ".css", ".html")]
        new = [name for name in files if not (ours / name).exists()]
        changed = [
            name
            for name in files
            if name not in new and (ours / name).read_bytes() != (theirs / name).read_bytes()
        ]
        return len(new), len(changed)


def copied(folder: Path) -> Copy:
    """The source as it is, in that folder."""
    shutil.copytree(ROOT / "src" / "haversack", folder / "haversack", ignore=IGNORED)
    return Copy(folder=folder)


def stated(kind: str) -> tuple[int, int]:
    """How many files are new and changed for one more of that kind, as the docs say."""
    text = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
    row = re.search(rf"^\| {kind} \| (\d+)[^|]*\| (\d+)[^|]*\|", text, re.MULTILINE)
    assert row is not None, f"the table of additions has no row for a {kind}"
    return int(row[1]), int(row[2])
